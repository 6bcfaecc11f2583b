/* Draws two-dimensional datasets as maps into one PNG: map_png OUT.png FILE DATASET TITLE [DATASET TITLE]...
 * Rows run from south to north and columns from west to east, as in the climate files; north is drawn on top. Each map has its own colour
 * scale, from the smallest to the largest value, shown below it. Reads through libchunk, like any program that uses it. */
#include <chunk.h>
#include <ctype.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_W = 12, CELL_H = 10, MARGIN = 16, TITLE_H = 28, BAR_H = 14, LABEL_H = 24, GLYPH_W = 12, N_STOPS = 7 };

typedef struct picture {
    int width, height;
    unsigned char *rgb;
} picture;

typedef struct field {
    int rows, cols;
    double *value, min, max;
} field;

/* Dark blue over white to dark red: stops of equal distance. */
static const unsigned char stops[N_STOPS][3] = {{38, 48, 130},   {69, 117, 180}, {145, 191, 219}, {250, 250, 240},
                                                {253, 190, 112}, {229, 92, 60},  {150, 16, 38}};

/* 5x7 letters, a byte a column, lowest bit on top. */
static const struct {
    char c;
    unsigned char column[5];
} font[] = {
    {'(', {0x00, 0x1C, 0x22, 0x41, 0x00}}, {')', {0x00, 0x41, 0x22, 0x1C, 0x00}}, {'-', {0x08, 0x08, 0x08, 0x08, 0x08}},
    {'.', {0x00, 0x60, 0x60, 0x00, 0x00}}, {'/', {0x20, 0x10, 0x08, 0x04, 0x02}}, {'0', {0x3E, 0x51, 0x49, 0x45, 0x3E}},
    {'1', {0x00, 0x42, 0x7F, 0x40, 0x00}}, {'2', {0x42, 0x61, 0x51, 0x49, 0x46}}, {'3', {0x21, 0x41, 0x45, 0x4B, 0x31}},
    {'4', {0x18, 0x14, 0x12, 0x7F, 0x10}}, {'5', {0x27, 0x45, 0x45, 0x45, 0x39}}, {'6', {0x3C, 0x4A, 0x49, 0x49, 0x30}},
    {'7', {0x01, 0x71, 0x09, 0x05, 0x03}}, {'8', {0x36, 0x49, 0x49, 0x49, 0x36}}, {'9', {0x06, 0x49, 0x49, 0x29, 0x1E}},
    {'A', {0x7E, 0x11, 0x11, 0x11, 0x7E}}, {'B', {0x7F, 0x49, 0x49, 0x49, 0x36}}, {'C', {0x3E, 0x41, 0x41, 0x41, 0x22}},
    {'D', {0x7F, 0x41, 0x41, 0x22, 0x1C}}, {'E', {0x7F, 0x49, 0x49, 0x49, 0x41}}, {'F', {0x7F, 0x09, 0x09, 0x09, 0x01}},
    {'G', {0x3E, 0x41, 0x49, 0x49, 0x7A}}, {'H', {0x7F, 0x08, 0x08, 0x08, 0x7F}}, {'I', {0x00, 0x41, 0x7F, 0x41, 0x00}},
    {'J', {0x20, 0x40, 0x41, 0x3F, 0x01}}, {'K', {0x7F, 0x08, 0x14, 0x22, 0x41}}, {'L', {0x7F, 0x40, 0x40, 0x40, 0x40}},
    {'M', {0x7F, 0x02, 0x0C, 0x02, 0x7F}}, {'N', {0x7F, 0x04, 0x08, 0x10, 0x7F}}, {'O', {0x3E, 0x41, 0x41, 0x41, 0x3E}},
    {'P', {0x7F, 0x09, 0x09, 0x09, 0x06}}, {'Q', {0x3E, 0x41, 0x51, 0x21, 0x5E}}, {'R', {0x7F, 0x09, 0x19, 0x29, 0x46}},
    {'S', {0x46, 0x49, 0x49, 0x49, 0x31}}, {'T', {0x01, 0x01, 0x7F, 0x01, 0x01}}, {'U', {0x3F, 0x40, 0x40, 0x40, 0x3F}},
    {'V', {0x1F, 0x20, 0x40, 0x20, 0x1F}}, {'W', {0x3F, 0x40, 0x38, 0x40, 0x3F}}, {'X', {0x63, 0x14, 0x08, 0x14, 0x63}},
    {'Y', {0x07, 0x08, 0x70, 0x08, 0x07}}, {'Z', {0x61, 0x51, 0x49, 0x45, 0x43}},
};

static void put_pixel(picture *p, int x, int y, const unsigned char rgb[3])
{
    if (x >= 0 && x < p->width && y >= 0 && y < p->height) memcpy(p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x), rgb, 3);
}

static void draw_text(picture *p, int x, int y, const char *text)
{
    static const unsigned char ink[3] = {30, 30, 30};
    for (; *text; text++, x += GLYPH_W) {
        for (size_t g = 0; g < sizeof font / sizeof font[0]; g++) {
            if (font[g].c != toupper((unsigned char)*text)) continue;
            for (int i = 0; i < 10; i++)
                for (int j = 0; j < 14; j++)
                    if (font[g].column[i / 2] >> (j / 2) & 1) put_pixel(p, x + i, y + j, ink);
        }
    }
}

/* The colour of a value at `at` of its scale, 0 to 1. */
static void colour(unsigned char rgb[3], double at)
{
    double pos = fmin(fmax(at, 0), 1) * (N_STOPS - 1);
    int i = (int)fmin(pos, N_STOPS - 2);
    for (int c = 0; c < 3; c++) rgb[c] = (unsigned char)lround(stops[i][c] + (pos - i) * (stops[i + 1][c] - stops[i][c]));
}

/* The value between cell centres, linear along both axes; row and col may lie half a cell outside. */
static double value_at(const field *f, double row, double col)
{
    double r = fmin(fmax(row, 0), f->rows - 1), c = fmin(fmax(col, 0), f->cols - 1);
    int r0 = (int)r, c0 = (int)c, r1 = r0 + (r0 < f->rows - 1), c1 = c0 + (c0 < f->cols - 1);
    double south = f->value[r0 * f->cols + c0] + (c - c0) * (f->value[r0 * f->cols + c1] - f->value[r0 * f->cols + c0]);
    double north = f->value[r1 * f->cols + c0] + (c - c0) * (f->value[r1 * f->cols + c1] - f->value[r1 * f->cols + c0]);
    return south + (r - r0) * (north - south);
}

static void draw_map(picture *p, int left, int top, const field *f, const char *title)
{
    int w = f->cols * CELL_W, h = f->rows * CELL_H;
    double range = f->max > f->min ? f->max - f->min : 1;
    unsigned char rgb[3];
    char label[32];

    draw_text(p, left, top + 6, title);
    top += TITLE_H;
    for (int y = 0; y < h; y++) {
        double row = f->rows - 1 - ((y + 0.5) / CELL_H - 0.5);
        for (int x = 0; x < w; x++) {
            colour(rgb, (value_at(f, row, (x + 0.5) / CELL_W - 0.5) - f->min) / range);
            put_pixel(p, left + x, top + y, rgb);
        }
    }
    top += h + 6;
    for (int x = 0; x < w; x++) {
        colour(rgb, (double)x / (w - 1));
        for (int y = 0; y < BAR_H; y++) put_pixel(p, left + x, top + y, rgb);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(label, sizeof label, f->max >= 1000 ? "%.0f" : "%.2f", f->min + range * i / 2);
        draw_text(p, left + (w - (int)strlen(label) * GLYPH_W) * i / 2, top + BAR_H + 6, label);
    }
}

static chunk_status read_field(field *f, chunk_context *ctx, const char *file, const char *dataset, chunk_error *err)
{
    chunk_array *a = NULL, *numbers = NULL;
    chunk_status st = chunk_from_hdf5(&a, ctx, file, dataset, err);
    if (st != CHUNK_OK) goto done;
    st = chunk_eval(&numbers, ctx, "astype(a, float64)", &(chunk_binding){"a", a}, 1, err);
    if (st != CHUNK_OK) goto done;
    if (chunk_array_ndim(numbers) != 2 || chunk_array_count(numbers) == 0 || chunk_array_count(numbers) > 1 << 20) {
        snprintf(err->text, sizeof err->text, "%s:%s is no map: it needs two dimensions and at most 2^20 cells", file, dataset);
        st = err->code = CHUNK_ESHAPE;
        goto done;
    }
    f->rows = (int)chunk_array_shape(numbers)[0];
    f->cols = (int)chunk_array_shape(numbers)[1];
    f->value = malloc((size_t)chunk_array_count(numbers) * sizeof *f->value);
    if (!f->value) {
        snprintf(err->text, sizeof err->text, "no memory for %s:%s", file, dataset);
        st = err->code = CHUNK_ENOMEM;
        goto done;
    }
    st = chunk_compute(ctx, &(chunk_output){.size = sizeof(chunk_output), .array = numbers, .data = f->value}, 1, NULL, NULL, err);
    if (st != CHUNK_OK) goto done;
    f->min = INFINITY, f->max = -INFINITY;
    for (int i = 0; i < f->rows * f->cols; i++) {
        f->min = fmin(f->min, f->value[i]);
        f->max = fmax(f->max, f->value[i]);
    }
done:
    chunk_array_free(numbers);
    chunk_array_free(a);
    return st;
}

int main(int argc, char **argv)
{
    int n = (argc - 3) / 2, status = 1;
    if (n < 1 || argc != 3 + 2 * n) {
        fputs("usage: map_png OUT.png FILE DATASET TITLE [DATASET TITLE]...\n", stderr);
        return 2;
    }
    chunk_context *ctx = NULL;
    chunk_error err = {0};
    picture p = {0};
    field *fields = calloc((size_t)n, sizeof *fields);
    int cell_w = 0, cell_h = 0, across = n > 1 ? 2 : 1;

    if (!fields || chunk_context_new(&ctx, NULL, &err) != CHUNK_OK) goto fail;
    for (int i = 0; i < n; i++) {
        if (read_field(&fields[i], ctx, argv[2], argv[3 + 2 * i], &err) != CHUNK_OK) goto fail;
        cell_w = (int)fmax(cell_w, fields[i].cols * CELL_W + MARGIN);
        cell_h = (int)fmax(cell_h, fields[i].rows * CELL_H + TITLE_H + 6 + BAR_H + LABEL_H + MARGIN);
    }
    p.width = MARGIN + across * cell_w;
    p.height = MARGIN + (n + across - 1) / across * cell_h;
    p.rgb = malloc((size_t)p.width * (size_t)p.height * 3);
    if (!p.rgb) goto fail;
    memset(p.rgb, 255, (size_t)p.width * (size_t)p.height * 3);
    for (int i = 0; i < n; i++)
        draw_map(&p, MARGIN + i % across * cell_w, MARGIN + i / across * cell_h, &fields[i], argv[4 + 2 * i]);

    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = (png_uint_32)p.width, .height = (png_uint_32)p.height, .format = PNG_FORMAT_RGB};
    if (!png_image_write_to_file(&image, argv[1], 0, p.rgb, 0, NULL)) {
        snprintf(err.text, sizeof err.text, "%s: %s", argv[1], image.message);
        goto fail;
    }
    status = 0;
fail:
    if (status) fprintf(stderr, "map_png: %s\n", err.text[0] ? err.text : "out of memory");
    for (int i = 0; fields && i < n; i++) free(fields[i].value);
    free(fields);
    free(p.rgb);
    chunk_context_free(ctx);
    return status;
}
