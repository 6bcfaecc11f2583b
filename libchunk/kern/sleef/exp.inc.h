/* exp.inc.h: exp of a vector, by SLEEF. Where vectors are wider than an element it is written out, as SLEEF's own inline headers would have it: Debian's package has
 * none, and a call for each eight elements, with its constants read anew, takes 1.5 times as long (float32: twice). Method, coefficients and order of operations
 * are those of SLEEF 3.5.1's Sleef_exp_u10 and Sleef_expf_u10 with fused multiplication (Boost Software License 1.0, see LICENSE), and so are the bits:
 * kern_test compares them. */
#if defined __AVX2__
/* x = n log(2) + s; exp(x) = 2^n exp(s) */
static inline vec_f64 exp_of_f64(vec_f64 x)
{
    vec_f64 n = nearest_f64(x * all_f64(1.442695040888963407359924681001892137)), one = all_f64(1);
    vec_f64 s = fma_f64(n, all_f64(-0.28235290563031577122588448175013436025525412068e-12),
                        fma_f64(n, all_f64(-0.69314718055966295651160180568695068359375), x));
    vec_f64 s2 = s * s, s4 = s2 * s2, s8 = s4 * s4;
    vec_f64 c9 = fma_f64(s, all_f64(0.2081276378237164457e-8), all_f64(0.2511210703042288022e-7));
    vec_f64 c7 = fma_f64(s, all_f64(0.2755762628169491192e-6), all_f64(0.2755723402025388239e-5));
    vec_f64 c5 = fma_f64(s, all_f64(0.2480158687479686264e-4), all_f64(0.1984126989855865850e-3));
    vec_f64 c3 = fma_f64(s, all_f64(0.1388888888914497797e-2), all_f64(0.8333333333314938210e-2));
    vec_f64 c1 = fma_f64(s, all_f64(0.4166666666666602598e-1), all_f64(0.1666666666666669072e+0));
    vec_f64 p = fma_f64(s8, c9, fma_f64(s4, fma_f64(s2, c7, c5), fma_f64(s2, c3, c1)));
    p = scale_f64(fma_f64(fma_f64(fma_f64(p, s, all_f64(0.5)), s, one), s, one), n);
    p = choose_f64(less_f64(all_f64(709.78271289338399673222338991), x), all_f64(INFINITY), p);
    return choose_f64(less_f64(x, all_f64(-1000)), all_f64(0), p);
}
static inline vec_f32 exp_of_f32(vec_f32 x)
{
    vec_f32 n = nearest_f32(x * all_f32(1.442695040888963407359924681001892137f));
    vec_f32 s = fma_f32(n, all_f32(-1.428606765330187045e-06f), fma_f32(n, all_f32(-0.693145751953125f), x));
    vec_f32 p = fma_f32(all_f32(0.000198527617612853646278381f), s, all_f32(0.00139304355252534151077271f));
    p = fma_f32(p, s, all_f32(0.00833336077630519866943359f));
    p = fma_f32(p, s, all_f32(0.0416664853692054748535156f));
    p = fma_f32(p, s, all_f32(0.166666671633720397949219f));
    p = fma_f32(p, s, all_f32(0.5f));
    p = scale_f32(all_f32(1) + fma_f32(s * s, p, s), n);
    p = choose_f32(less_f32(all_f32(100), x), all_f32(INFINITY), p);
    return choose_f32(less_f32(x, all_f32(-104)), all_f32(0), p);
}
#else
static inline vec_f64 exp_of_f64(vec_f64 x) { return SLEEF_f64(exp, u10)(x); }
static inline vec_f32 exp_of_f32(vec_f32 x) { return SLEEF_f32(exp, u10)(x); }
#endif
