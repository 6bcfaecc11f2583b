/* HDF5 types as dtypes: what the engine computes with, and words for everything else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kern/kern.h"
#include "store/h5read.h"

/* The three IEEE layouts, little-endian bit positions. */
static const struct ieee {
    chk_dtype dtype;
    size_t size, sign, exp, exp_bits, man_bits, bias;
} floats[] = {{CHK_F16, 2, 15, 10, 5, 10, 15}, {CHK_F32, 4, 31, 23, 8, 23, 127}, {CHK_F64, 8, 63, 52, 11, 52, 1023}};

static bool is_float(chk_dtype *out, hid_t type)
{
    size_t sign, exp, exp_bits, man, man_bits, size = H5Tget_size(type);
    if (H5Tget_fields(type, &sign, &exp, &exp_bits, &man, &man_bits) < 0 || man != 0 || H5Tget_norm(type) != H5T_NORM_IMPLIED)
        return false;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        const struct ieee *f = &floats[i];
        if (size == f->size && sign == f->sign && exp == f->exp && exp_bits == f->exp_bits && man_bits == f->man_bits &&
            H5Tget_ebias(type) == f->bias && H5Tget_precision(type) == 8 * size) {
            *out = f->dtype;
            return true;
        }
    }
    return false;
}

static bool is_integer(chk_dtype *out, hid_t type)
{
    size_t size = H5Tget_size(type);
    int log2 = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    if (log2 < 0 || H5Tget_precision(type) != 8 * size || H5Tget_offset(type) != 0) return false;
    *out = (chk_dtype)((H5Tget_sign(type) == H5T_SGN_NONE ? CHK_U8 : CHK_I8) + log2);
    return true;
}

/* h5py's bool: an enumeration of one byte with FALSE = 0 and TRUE = 1. */
static bool is_bool(hid_t type)
{
    int8_t zero = 1, one = 0;
    return H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 && H5Tenum_valueof(type, "FALSE", &zero) >= 0 &&
           H5Tenum_valueof(type, "TRUE", &one) >= 0 && zero == 0 && one == 1;
}

static bool swapped_order(hid_t type, size_t size)
{
    H5T_order_t native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? H5T_ORDER_LE : H5T_ORDER_BE;
    return size > 1 && H5Tget_order(type) != native;
}

/* h5py's complex: {r, i}, two floats of one type side by side. */
static bool is_complex(chk_dtype *out, bool *swapped, hid_t type)
{
    if (H5Tget_nmembers(type) != 2) return false;
    char *r = H5Tget_member_name(type, 0), *i = H5Tget_member_name(type, 1);
    bool ok = r && i && strcmp(r, "r") == 0 && strcmp(i, "i") == 0;
    H5free_memory(r);
    H5free_memory(i);
    hid_t a = H5Tget_member_type(type, 0), b = H5Tget_member_type(type, 1);
    chk_dtype part = CHK_F64;
    ok = ok && H5Tget_class(a) == H5T_FLOAT && H5Tequal(a, b) > 0 && is_float(&part, a) && part != CHK_F16;
    size_t half = chk_dtype_size(part);
    ok = ok && H5Tget_member_offset(type, 0) == 0 && H5Tget_member_offset(type, 1) == half && H5Tget_size(type) == 2 * half;
    *out = part == CHK_F32 ? CHK_C64 : CHK_C128;
    *swapped = ok && swapped_order(a, half);
    H5Tclose(a);
    H5Tclose(b);
    return ok;
}

static void describe_other(char *text, size_t size, hid_t type);

static void describe_compound(char *text, size_t size, hid_t type)
{
    int n = H5Tget_nmembers(type);
    size_t at = (size_t)snprintf(text, size, "compound{");
    for (int m = 0; m < n && at < size; m++) {
        char *name = H5Tget_member_name(type, (unsigned)m);
        at += (size_t)snprintf(text + at, size - at, "%s%s", m ? ", " : "", name ? name : "?");
        H5free_memory(name);
    }
    if (at < size - 1)
        snprintf(text + at, size - at, "}");
    else
        snprintf(text + size - 5, 5, "...}");
}

/* The upper half of a float32. */
static bool is_bfloat16(hid_t type)
{
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
    if (H5Tget_size(type) != 2 || H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0)
        return false;
    return sign == 15 && exponent == 7 && exponent_bits == 8 && mantissa == 0 && mantissa_bits == 7;
}

static void describe_array(char *text, size_t size, hid_t type)
{
    hsize_t dim[H5S_MAX_RANK];
    int ndim = H5Tget_array_dims2(type, dim);
    hid_t element = H5Tget_super(type);
    chk_h5info of = {.item_bytes = 0};
    if (element >= 0) chk_h5type_describe(&of, element);
    if (element >= 0) H5Tclose(element);
    size_t at = (size_t)snprintf(text, size, "array of ");
    for (int a = 0; a < ndim && at < size; a++)
        at += (size_t)snprintf(text + at, size - at, "%s%llu", a ? "x" : "", (unsigned long long)dim[a]);
    if (at < size) snprintf(text + at, size - at, " %.40s", of.type_text);
}

/* Types that are not computed with, in words. */
static void describe_other(char *text, size_t size, hid_t type)
{
    size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        snprintf(text, size, "%sint%zu in %zu bytes", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", H5Tget_precision(type), bytes);
        break;
    case H5T_FLOAT:
        if (is_bfloat16(type))
            snprintf(text, size, "bfloat16");
        else
            snprintf(text, size, "float%zu in %zu bytes, not IEEE half, single or double", H5Tget_precision(type), bytes);
        break;
    case H5T_STRING:
        if (H5Tis_variable_str(type) > 0)
            snprintf(text, size, "string");
        else
            snprintf(text, size, "string[%zu]", bytes);
        break;
    case H5T_BITFIELD: snprintf(text, size, "bitfield%zu", 8 * bytes); break;
    case H5T_OPAQUE: snprintf(text, size, "opaque[%zu]", bytes); break;
    case H5T_COMPOUND: describe_compound(text, size, type); break;
    case H5T_REFERENCE: snprintf(text, size, "reference"); break;
    case H5T_ENUM: snprintf(text, size, "enum of %d values in %zu bytes", H5Tget_nmembers(type), bytes); break;
    case H5T_VLEN: snprintf(text, size, "variable-length list"); break;
    case H5T_ARRAY: describe_array(text, size, type); break;
    case H5T_TIME: snprintf(text, size, "time%zu", 8 * bytes); break;
    default: snprintf(text, size, "unknown type of %zu bytes", bytes);
    }
}

void chk_h5type_describe(chk_h5info *info, hid_t type)
{
    chk_dtype d = CHK_OPAQUE;
    bool known = false, swapped = false;
    info->item_bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        known = is_integer(&d, type);
        swapped = swapped_order(type, info->item_bytes);
        break;
    case H5T_FLOAT:
        known = is_float(&d, type) && (H5Tget_order(type) == H5T_ORDER_LE || H5Tget_order(type) == H5T_ORDER_BE);
        swapped = swapped_order(type, info->item_bytes);
        break;
    case H5T_ENUM:
        known = is_bool(type);
        d = CHK_BOOL;
        break;
    case H5T_COMPOUND: known = is_complex(&d, &swapped, type); break;
    default: break;
    }
    info->dtype_known = known;
    info->dtype = known ? d : CHK_OPAQUE;
    info->swapped = known && swapped;
    if (known)
        snprintf(info->type_text, sizeof info->type_text, "%s%s", chk_dtype_name(d),
                 !swapped                                    ? ""
                 : __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? " big-endian"
                                                             : " little-endian");
    else
        describe_other(info->type_text, sizeof info->type_text, type);
}

void chk_h5type_to_native(const chk_h5info *info, void *data, size_t n)
{
    if (!info->swapped) return;
    size_t unit = (size_t)chk_dtypes[info->dtype].swap;
    chk_kern_bswap(data, data, unit, n * (info->item_bytes / unit));
}

chk_scalar chk_h5type_scalar(const chk_h5info *info, const void *in)
{
    chk_scalar s = {.dtype = info->dtype};
    if (!in || !info->dtype_known) return s;
    memcpy(s.v.bytes, in, info->item_bytes);
    chk_h5type_to_native(info, s.v.bytes, 1);
    return s;
}
