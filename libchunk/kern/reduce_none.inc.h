/* reduce_none.inc.h: forgets the parameters of reduce_real.inc.h. */
#undef R_ID
#undef R_T
#undef R_V
#undef R_S
#undef R_SV
#undef R_PART
#undef R_HIGH
#undef R_LOW
#undef R_NAN
#undef R_FLOAT
