/* HDF5 types for what we compute with, as h5py makes them: bool is an enumeration, complex a compound of r and i, float16 IEEE's half. */
#include "store/h5writer_impl.h"

static hid_t make_bool(void)
{
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t off = 0, on = 1;
    if (type >= 0 && H5Tenum_insert(type, "FALSE", &off) >= 0 && H5Tenum_insert(type, "TRUE", &on) >= 0) return type;
    if (type >= 0) H5Tclose(type);
    return H5I_INVALID_HID;
}

static hid_t make_complex(hid_t part)
{
    size_t size = H5Tget_size(part);
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * size);
    if (type >= 0 && H5Tinsert(type, "r", 0, part) >= 0 && H5Tinsert(type, "i", size, part) >= 0) return type;
    if (type >= 0) H5Tclose(type);
    return H5I_INVALID_HID;
}

/* The fields are set before the size: each step must leave a valid type. */
static hid_t make_half(void)
{
    hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);
    if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 && H5Tset_ebias(type, 15) >= 0)
        return type;
    if (type >= 0) H5Tclose(type);
    return H5I_INVALID_HID;
}

hid_t chk_h5type_make(chk_dtype d)
{
    switch (d) {
    case CHK_BOOL: return make_bool();
    case CHK_I8: return H5Tcopy(H5T_NATIVE_INT8);
    case CHK_I16: return H5Tcopy(H5T_NATIVE_INT16);
    case CHK_I32: return H5Tcopy(H5T_NATIVE_INT32);
    case CHK_I64: return H5Tcopy(H5T_NATIVE_INT64);
    case CHK_U8: return H5Tcopy(H5T_NATIVE_UINT8);
    case CHK_U16: return H5Tcopy(H5T_NATIVE_UINT16);
    case CHK_U32: return H5Tcopy(H5T_NATIVE_UINT32);
    case CHK_U64: return H5Tcopy(H5T_NATIVE_UINT64);
    case CHK_F16: return make_half();
    case CHK_F32: return H5Tcopy(H5T_NATIVE_FLOAT);
    case CHK_F64: return H5Tcopy(H5T_NATIVE_DOUBLE);
    case CHK_C64: return make_complex(H5T_NATIVE_FLOAT);
    case CHK_C128: return make_complex(H5T_NATIVE_DOUBLE);
    default: return H5I_INVALID_HID;
    }
}
