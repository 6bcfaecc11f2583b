/* Errors, allocations, fault points and the ledger: texts as documented, books exact under threads. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/ledger.h"
#include "base/thread.h"

Test(status, text_and_code)
{
    chunk_error err = {.column = 7, .needed = 9};
    cr_assert_eq(chk_fail(&err, CHUNK_ESHAPE, "matmul: %d is not %d", 3, 4), CHUNK_ESHAPE);
    cr_assert_str_eq(err.text, "matmul: 3 is not 4");
    cr_assert_eq(err.code, CHUNK_ESHAPE);
    cr_assert_eq(err.column, 0);
    cr_assert_eq(err.needed, 0);
    cr_assert_eq(chk_fail(NULL, CHUNK_EFILE, "x"), CHUNK_EFILE);
}

Test(status, stays_one_line_of_whole_characters)
{
    chunk_error err;
    chk_fail(&err, CHUNK_EFILE, "a\nb\tc");
    cr_assert_str_eq(err.text, "a?b?c");
    /* two-byte characters at either alignment */
    for (int shift = 0; shift < 2; shift++) {
        char text[2001];
        memset(text, 'x', 2000);
        for (int i = shift; i + 1 < 2000; i += 2) memcpy(text + i, "\xc3\xa4", 2);
        text[2000] = '\0';
        chk_fail(&err, CHUNK_EFILE, "%s", text);
        size_t n = strlen(err.text);
        cr_assert(n < sizeof err.text && n > sizeof err.text - 8);
        cr_assert_str_eq(err.text + n - 3, "...");
        cr_assert_eq((n - 3 - (size_t)shift) % 2, 0);
    }
}

Test(status, errno_texts)
{
    chunk_error err;
    cr_assert_eq(chk_fail_errno(&err, ENOENT, "a.h5", "open"), CHUNK_EFILE);
    cr_assert_str_eq(err.text, "a.h5: open: No such file or directory");
    cr_assert_eq(chk_fail_errno(&err, ENOSPC, "a.h5", "write"), CHUNK_ENOSPC);
    cr_assert_eq(chk_fail_errno(&err, EDQUOT, "a.h5", "write"), CHUNK_ENOSPC);
    cr_assert_eq(chk_fail_errno(&err, ENOMEM, "a.h5", "map"), CHUNK_ENOMEM);
}

Test(status, bytes_text)
{
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {1, "1 byte"},
        {17, "17 bytes"},
        {1023, "1023 bytes"},
        {1024, "1 KiB"},
        {640 * 1024, "640 KiB"},
        {(uint64_t)25 << 19, "12.5 MiB"},
        {1048575, "1 MiB"},
        {(uint64_t)1 << 40, "1 TiB"},
        {UINT64_MAX, "16 EiB"},
    };
    char buf[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq(chk_bytes_text(buf, sizeof buf, cases[i].n), cases[i].text);
}

Test(fault, n_th_site_fails)
{
    chk_fault_arm(CHK_FAULT_READ, 3, false);
    bool seen[6];
    for (int i = 0; i < 6; i++) seen[i] = chk_fault_hit(CHK_FAULT_READ);
    cr_assert(!seen[0] && !seen[1] && seen[2] && !seen[3] && !seen[4] && !seen[5]);
    cr_assert_eq(chk_fault_count(CHK_FAULT_READ), 6);
    cr_assert(!chk_fault_hit(CHK_FAULT_WRITE));
    cr_assert(chk_fault_arm_text("read:2:all"));
    for (int i = 0; i < 6; i++) cr_assert_eq(chk_fault_hit(CHK_FAULT_READ), i >= 1);
    chk_fault_arm(CHK_FAULT_READ, UINT64_MAX, true);
    for (int i = 0; i < 6; i++) cr_assert(!chk_fault_hit(CHK_FAULT_READ));
    cr_assert_eq(chk_fault_count(CHK_FAULT_READ), 6);
    chk_fault_arm(CHK_FAULT_READ, 0, false);
    cr_assert(!chk_fault_hit(CHK_FAULT_READ));
}

Test(fault, texts)
{
    static const char *const bad[] = {"",        "read",    "read:",     "read:x",  "read:0",
                                      "read:-1", "read:1:", "read:1:al", "reads:1", "write 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert(!chk_fault_arm_text(bad[i]), "%s", bad[i]);
    cr_assert(chk_fault_arm_text("alloc:1"));
    cr_assert_null(chk_malloc(1));
    cr_assert(chk_fault_arm_text("thread:1"));
    pthread_t t;
    chunk_error err;
    cr_assert_eq(chk_thread_start(&t, NULL, NULL, "w", &err), CHUNK_ENOMEM);
    cr_assert_not_null(strstr(err.text, "cannot start the thread w"));
}

Test(alloc, sizes_and_copies)
{
    void *p = chk_malloc(0);
    cr_assert_not_null(p);
    p = chk_realloc(p, 100);
    cr_assert_not_null(p);
    chk_free(p);
    cr_assert_null(chk_calloc(SIZE_MAX / 2, 3));
    char *s = chk_strndup("abcdef", 3);
    cr_assert_str_eq(s, "abc");
    chk_free(s);
    s = chk_strdup("xyz");
    cr_assert_str_eq(s, "xyz");
    chk_free(s);
}

Test(ledger, limits_hold_in_parent_and_child)
{
    chk_ledger *top, *low;
    cr_assert_eq(chk_ledger_new(&top, 100, NULL, NULL), CHUNK_OK);
    cr_assert_eq(chk_ledger_new(&low, 80, top, NULL), CHUNK_OK);
    cr_assert(chk_ledger_take(top, 30));
    cr_assert(!chk_ledger_take(low, 81));
    cr_assert(!chk_ledger_take(low, 71));
    cr_assert_eq(chk_ledger_used(low), 0);
    cr_assert_eq(chk_ledger_peak(low), 0);
    cr_assert(chk_ledger_take(low, 70));
    cr_assert_eq(chk_ledger_used(top), 100);
    cr_assert(!chk_ledger_take(low, UINT64_MAX));
    chk_ledger_give(low, 70);
    chk_ledger_give(top, 30);
    cr_assert_eq(chk_ledger_used(top), 0);
    cr_assert_eq(chk_ledger_peak(top), 100);
    cr_assert_eq(chk_ledger_peak(low), 70);
    cr_assert_eq(chk_ledger_limit(low), 80);
    chk_ledger_free(low);
    chk_ledger_free(top);
}

Test(ledger, free_asserts_balance, .signal = SIGABRT)
{
    chk_ledger *l;
    chk_ledger_new(&l, 100, NULL, NULL);
    chk_ledger_take(l, 1);
    chk_ledger_free(l);
#ifdef NDEBUG
    raise(SIGABRT);
#endif
}

Test(ledger, buffers_are_pages)
{
    chk_ledger *l;
    chk_ledger_new(&l, 3 * 4096, NULL, NULL);
    chk_buf a = {0}, b = {0}, c = {0};
    chunk_error err;
    cr_assert_eq(chk_buf_get(&a, l, 1, &err), CHUNK_OK);
    cr_assert_eq(chk_buf_get(&b, l, 4097, &err), CHUNK_OK);
    cr_assert_eq(chk_ledger_used(l), 3 * 4096);
    cr_assert_eq(chk_buf_get(&c, l, 1, &err), CHUNK_ECEILING);
    cr_assert_eq(err.needed, 4 * 4096);
    cr_assert_eq(chk_buf_get(&c, l, 0, &err), CHUNK_OK);
    chk_buf_put(&c);
    for (int i = 0; i < 4097; i++) cr_assert_eq(((char *)b.data)[i], 0);
    chk_buf_put(&a);
    chk_buf_put(&a);
    chk_fault_arm(CHK_FAULT_ALLOC, 1, false);
    cr_assert_eq(chk_buf_get(&a, l, 1, &err), CHUNK_ENOMEM);
    cr_assert_eq(chk_ledger_used(l), 2 * 4096);
    cr_assert_eq(chk_buf_get(&a, l, SIZE_MAX, &err), CHUNK_ENOMEM);
    chk_buf_put(&b);
    chk_ledger_free(l);
}

static void *take_and_give(void *arg)
{
    chk_ledger *l = arg;
    for (int i = 0; i < 20000; i++) {
        uint64_t n = (uint64_t)(i % 7) + 1;
        if (!chk_ledger_take(l, n)) continue;
        cr_assert(chk_ledger_used(l) <= 10);
        chk_ledger_give(l, n);
    }
    return NULL;
}

Test(ledger, exact_under_threads)
{
    chk_ledger *l;
    chk_ledger_new(&l, 10, NULL, NULL);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(chk_thread_start(&t[i], take_and_give, l, "a name longer than fifteen", NULL), CHUNK_OK);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    cr_assert_eq(chk_ledger_used(l), 0);
    cr_assert(chk_ledger_peak(l) <= 10 && chk_ledger_peak(l) >= 7);
    chk_ledger_free(l);
}

static void *signals_blocked(void *arg)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    *(bool *)arg = sigismember(&now, SIGINT) == 1 && sigismember(&now, SIGBUS) == 0;
    return NULL;
}

Test(thread, blocks_signals)
{
    bool ok = false;
    pthread_t t;
    cr_assert_eq(chk_thread_start(&t, signals_blocked, &ok, "w", NULL), CHUNK_OK);
    pthread_join(t, NULL);
    cr_assert(ok);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    cr_assert_eq(sigismember(&now, SIGINT), 0);
}

Test(machine, plausible)
{
    cr_assert(chk_cpu_count() >= 1 && chk_cpu_count() < 1 << 16);
    cr_assert(chk_memory_allowed() > (uint64_t)64 << 20);
    cr_assert(chk_self_peak_bytes() >= chk_self_resident_bytes());
    cr_assert(chk_self_resident_bytes() > 1 << 20);
    uint64_t t = chk_clock_ns();
    cr_assert(chk_clock_ns() >= t);
}

/* The mark moves with memory that is touched, and does not with memory that is only mapped. */
Test(machine, peak_follows_touched_pages)
{
    chk_ledger *l;
    chk_ledger_new(&l, (uint64_t)1 << 30, NULL, NULL);
    chk_buf b;
    uint64_t before = chk_self_resident_bytes();
    chk_buf_get(&b, l, 64 << 20, NULL);
    cr_assert(chk_self_resident_bytes() < before + (8 << 20));
    memset(b.data, 1, b.n_bytes);
    cr_assert(chk_self_peak_bytes() >= before + (60 << 20));
    chk_buf_put(&b);
    chk_ledger_free(l);
}
