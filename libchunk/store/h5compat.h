/* h5compat.h: hdf5.h, and the few places where HDF5 1.10, 1.12, 1.14 and 2 differ for us. The only file that asks for HDF5's version. */
#ifndef CHK_H5COMPAT_H
#define CHK_H5COMPAT_H

#include <hdf5.h>
#include <string.h>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
/* Drivers outside the HDF Group's registry number themselves 256 to 511. */
#define CHK_H5FD_CLASS_HEAD .version = H5FD_CLASS_VERSION, .value = (H5FD_class_value_t)411,
#else
#define CHK_H5FD_CLASS_HEAD
#endif

#if H5_VERSION_GE(1, 10, 7)
#define CHK_H5FD_COMPATIBLE H5FD_FEAT_DEFAULT_VFD_COMPATIBLE
#else
#define CHK_H5FD_COMPATIBLE 0
#endif

/* Visiting objects: fn(object, name, info, arg); only the kind of each object is asked for. How many attributes one object has. And 64 bits that tell an object
 * from all others of its file; info->fileno tells that file. */
#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t chk_h5_object_info;
#define CHK_H5_VISIT(id, name, fn, arg)                                                                                            \
    H5Ovisit_by_name3(id, name, H5_INDEX_NAME, H5_ITER_INC, fn, arg, H5O_INFO_BASIC, H5P_DEFAULT)
#define CHK_H5_COUNT_ATTRIBUTES(id, name, info) H5Oget_info_by_name3(id, name, info, H5O_INFO_NUM_ATTRS, H5P_DEFAULT)
#define CHK_H5_ADDRESS(id, info, out)                                                                                              \
    (H5Oget_info3(id, info, H5O_INFO_BASIC) < 0 ? -1 : (memcpy(out, &(info)->token, sizeof *(out)), 0))
#else
typedef H5O_info_t chk_h5_object_info;
#define CHK_H5_ADDRESS(id, info, out) (H5Oget_info2(id, info, H5O_INFO_BASIC) < 0 ? -1 : (*(out) = (info)->addr, 0))
#define CHK_H5_VISIT(id, name, fn, arg)                                                                                            \
    H5Ovisit_by_name2(id, name, H5_INDEX_NAME, H5_ITER_INC, fn, arg, H5O_INFO_BASIC, H5P_DEFAULT)
#define CHK_H5_COUNT_ATTRIBUTES(id, name, info) H5Oget_info_by_name2(id, name, info, H5O_INFO_NUM_ATTRS, H5P_DEFAULT)
#endif

/* A stored chunk as it is. HDF5 2 has a second form, which is told the buffer's size. */
#if H5_VERSION_GE(2, 0, 0)
#define CHK_H5_READ_CHUNK(id, offset, mask, out) H5Dread_chunk1(id, H5P_DEFAULT, offset, mask, out)
#else
#define CHK_H5_READ_CHUNK(id, offset, mask, out) H5Dread_chunk(id, H5P_DEFAULT, offset, mask, out)
#endif

#endif
