//! String attributes of any storage type, which the safe API does not cover: fixed lengths known only at run time, null
//! dataspaces, and text that is not UTF-8.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use hdf5::sync::sync;
use hdf5_sys::h5::{H5free_memory, hsize_t};
use hdf5_sys::h5a::{
    H5Aclose, H5Acreate2, H5Adelete, H5Aexists, H5Aget_space, H5Aget_type, H5Aopen, H5Aread, H5Awrite,
};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{
    H5S_NULL, H5S_SCALAR, H5Sclose, H5Screate, H5Screate_simple, H5Sget_simple_extent_npoints,
    H5Sget_simple_extent_type,
};
use hdf5_sys::h5t::{
    H5T_C_S1, H5T_STR_NULLTERM, H5T_STR_SPACEPAD, H5T_STRING, H5T_VARIABLE, H5T_cset_t, H5T_str_t, H5Tclose, H5Tcopy,
    H5Tget_class, H5Tget_cset, H5Tget_size, H5Tget_strpad, H5Tis_variable_str, H5Tset_cset, H5Tset_size, H5Tset_strpad,
};

/// How strings are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// Pointers into the file's heap.
    Variable(H5T_cset_t),
    /// So many bytes each, padded.
    Fixed(usize, H5T_str_t, H5T_cset_t),
}

/// A string attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strings {
    pub values: Vec<Vec<u8>>,
    pub storage: Storage,
    /// One string rather than a list of them.
    pub is_scalar: bool,
}

/// What stands under an attribute's name.
#[derive(Debug)]
pub(super) enum Attribute {
    Missing,
    Text(Strings),
    /// Not strings; what it is instead.
    Other(&'static str),
}

/// An HDF5 identifier, closed when dropped.
struct Id(hid_t, unsafe extern "C" fn(hid_t) -> hdf5_sys::h5::herr_t);

impl Id {
    fn new(id: hid_t, close: unsafe extern "C" fn(hid_t) -> hdf5_sys::h5::herr_t) -> hdf5::Result<Id> {
        if id < 0 { Err(last_error()) } else { Ok(Id(id, close)) }
    }
}

impl Drop for Id {
    fn drop(&mut self) {
        // SAFETY: the identifier is open and of the kind that `close` takes.
        unsafe { (self.1)(self.0) };
    }
}

fn last_error() -> hdf5::Error {
    match hdf5::Error::query() {
        Ok(error) => error,
        Err(error) => error,
    }
}

fn check(status: i32) -> hdf5::Result<()> {
    if status < 0 { Err(last_error()) } else { Ok(()) }
}

fn c_name(name: &str) -> hdf5::Result<CString> {
    CString::new(name).map_err(|_| hdf5::Error::Internal("a name with a NUL byte".to_owned()))
}

/// As `CString::new`, which takes its time with hundreds of megabytes.
fn c_text(text: Vec<u8>) -> hdf5::Result<CString> {
    match memchr::memchr(0, &text) {
        // SAFETY: there is no NUL in it.
        None => Ok(unsafe { CString::from_vec_unchecked(text) }),
        Some(_) => Err(hdf5::Error::Internal("a text with a NUL byte".to_owned())),
    }
}

/// Reads the attribute `name` of an open object.
pub(super) fn read(object: hid_t, name: &str) -> hdf5::Result<Attribute> {
    let name = c_name(name)?;
    // SAFETY: `object` is open for the call, every identifier is checked before use, and each buffer has the size that the
    // type and the number of points ask for.
    sync(|| unsafe {
        match H5Aexists(object, name.as_ptr()) {
            0 => return Ok(Attribute::Missing),
            status => check(status)?,
        }
        let attribute = Id::new(H5Aopen(object, name.as_ptr(), H5P_DEFAULT), H5Aclose)?;
        let file_type = Id::new(H5Aget_type(attribute.0), H5Tclose)?;
        let space = Id::new(H5Aget_space(attribute.0), H5Sclose)?;
        let extent = H5Sget_simple_extent_type(space.0);
        if extent == H5S_NULL {
            return Ok(Attribute::Other("it is empty"));
        }
        let points = H5Sget_simple_extent_npoints(space.0);
        let points = usize::try_from(points).map_err(|_| last_error())?;
        if H5Tget_class(file_type.0) != H5T_STRING {
            return Ok(Attribute::Other(if points == 0 { "it is empty" } else { "it is not a string" }));
        }
        let charset = H5Tget_cset(file_type.0);
        let is_variable = H5Tis_variable_str(file_type.0);
        check(is_variable)?;
        let (values, storage) = if is_variable > 0 {
            (read_variable(attribute.0, file_type.0, points)?, Storage::Variable(charset))
        } else {
            let size = H5Tget_size(file_type.0);
            let padding = H5Tget_strpad(file_type.0);
            (read_fixed(attribute.0, file_type.0, points, size, padding)?, Storage::Fixed(size, padding, charset))
        };
        Ok(Attribute::Text(Strings { values, storage, is_scalar: extent == H5S_SCALAR }))
    })
}

fn absurd() -> hdf5::Error {
    hdf5::Error::Internal("an attribute of absurd size".to_owned())
}

/// Room for what a file says it has, where there is as much.
fn room<T>(length: usize) -> hdf5::Result<Vec<T>> {
    let mut room = Vec::new();
    room.try_reserve_exact(length).map_err(|_| absurd())?;
    Ok(room)
}

unsafe fn read_fixed(
    attribute: hid_t,
    file_type: hid_t,
    points: usize,
    size: usize,
    padding: H5T_str_t,
) -> hdf5::Result<Vec<Vec<u8>>> {
    let bytes = points.checked_mul(size).ok_or_else(absurd)?;
    if bytes == 0 {
        return if size == 0 { Err(absurd()) } else { Ok(Vec::new()) };
    }
    let mut buffer: Vec<u8> = room(bytes)?;
    buffer.resize(bytes, 0);
    // SAFETY: the memory type is the file's, so the read fills exactly points * size bytes.
    check(unsafe { H5Aread(attribute, file_type, buffer.as_mut_ptr().cast()) })?;
    let trimmed = |cell: &[u8]| -> Vec<u8> {
        if padding == H5T_STR_SPACEPAD {
            return cell.trim_ascii_end().to_vec();
        }
        let end = match padding == H5T_STR_NULLTERM {
            true => cell.iter().position(|&byte| byte == 0),
            false => cell.iter().rposition(|&byte| byte != 0).map(|last| last + 1).or(Some(0)),
        };
        cell[..end.unwrap_or(cell.len())].to_vec()
    };
    Ok(buffer.chunks_exact(size).map(trimmed).collect())
}

unsafe fn read_variable(attribute: hid_t, file_type: hid_t, points: usize) -> hdf5::Result<Vec<Vec<u8>>> {
    if points == 0 {
        return Ok(Vec::new());
    }
    let mut buffer: Vec<*mut c_char> = room(points)?;
    buffer.resize(points, ptr::null_mut());
    // SAFETY: a variable-length string reads as a pointer to a NUL-terminated copy, which the library frees again.
    unsafe {
        let memory_type = Id::new(H5Tcopy(file_type), H5Tclose)?;
        check(H5Aread(attribute, memory_type.0, buffer.as_mut_ptr().cast()))?;
        let values = buffer
            .iter()
            .map(|&string| if string.is_null() { Vec::new() } else { CStr::from_ptr(string).to_bytes().to_vec() })
            .collect();
        // H5Treclaim would do, but HDF5 has it only from 1.12 on.
        buffer.into_iter().for_each(|string| {
            H5free_memory(string.cast());
        });
        Ok(values)
    }
}

/// Writes the attribute `name`, in place of one that is there. A fixed length grows with the longest value.
pub(super) fn write(object: hid_t, name: &str, strings: Strings) -> hdf5::Result<()> {
    let name = c_name(name)?;
    // SAFETY: as in `read`; the C strings outlive the write.
    sync(|| unsafe {
        let memory_type = Id::new(H5Tcopy(*H5T_C_S1), H5Tclose)?;
        let space = if strings.is_scalar {
            Id::new(H5Screate(H5S_SCALAR), H5Sclose)?
        } else {
            let length = strings.values.len() as hsize_t;
            Id::new(H5Screate_simple(1, &length, ptr::null()), H5Sclose)?
        };
        let is_empty = strings.values.is_empty();
        let texts: Vec<CString>;
        let pointers: Vec<*const c_char>;
        let padded: Vec<u8>;
        let data: *const c_void = match strings.storage {
            Storage::Variable(charset) => {
                check(H5Tset_size(memory_type.0, H5T_VARIABLE))?;
                check(H5Tset_cset(memory_type.0, charset))?;
                // Without a copy where the value has room for the NUL.
                texts = strings.values.into_iter().map(c_text).collect::<hdf5::Result<_>>()?;
                pointers = texts.iter().map(|text| text.as_ptr()).collect();
                pointers.as_ptr().cast()
            }
            Storage::Fixed(size, padding, charset) => {
                let longest = strings.values.iter().map(Vec::len).max().unwrap_or(0);
                let size = size.max(longest + usize::from(padding == H5T_STR_NULLTERM)).max(1);
                check(H5Tset_size(memory_type.0, size))?;
                check(H5Tset_strpad(memory_type.0, padding))?;
                check(H5Tset_cset(memory_type.0, charset))?;
                let filler = if padding == H5T_STR_SPACEPAD { b' ' } else { 0 };
                let pad = |value: &Vec<u8>| {
                    let mut cell = value.clone();
                    cell.resize(size, filler);
                    cell
                };
                padded = strings.values.iter().flat_map(pad).collect();
                padded.as_ptr().cast()
            }
        };
        remove_locked(object, &name)?;
        let id = H5Acreate2(object, name.as_ptr(), memory_type.0, space.0, H5P_DEFAULT, H5P_DEFAULT);
        let attribute = Id::new(id, H5Aclose)?;
        if is_empty { Ok(()) } else { check(H5Awrite(attribute.0, memory_type.0, data)) }
    })
}

/// Removes an attribute, if it is there.
pub(super) fn remove(object: hid_t, name: &str) -> hdf5::Result<()> {
    let name = c_name(name)?;
    // SAFETY: `object` is open for the call.
    sync(|| unsafe { remove_locked(object, &name) })
}

unsafe fn remove_locked(object: hid_t, name: &CStr) -> hdf5::Result<()> {
    // SAFETY: the caller holds the library's lock and an open object.
    unsafe {
        match H5Aexists(object, name.as_ptr()) {
            0 => return Ok(()),
            status => check(status)?,
        }
        // A file whose old texts cannot be freed is larger than it need be, and good all the same.
        let _ = free_texts(object, name);
        check(H5Adelete(object, name.as_ptr()))
    }
}

/// Frees the place of an attribute's texts in the file's heap, which `H5Adelete` does not: they are overwritten with none.
unsafe fn free_texts(object: hid_t, name: &CStr) -> hdf5::Result<()> {
    // SAFETY: the caller holds the library's lock and an open object; there is a pointer for each point.
    unsafe {
        let attribute = Id::new(H5Aopen(object, name.as_ptr(), H5P_DEFAULT), H5Aclose)?;
        let its_type = Id::new(H5Aget_type(attribute.0), H5Tclose)?;
        if H5Tis_variable_str(its_type.0) <= 0 {
            return Ok(());
        }
        let space = Id::new(H5Aget_space(attribute.0), H5Sclose)?;
        let points = usize::try_from(H5Sget_simple_extent_npoints(space.0)).map_err(|_| last_error())?;
        let nothing: Vec<*const c_char> = vec![ptr::null(); points];
        check(H5Awrite(attribute.0, its_type.0, nothing.as_ptr().cast()))
    }
}

/// A list of strings that Keras splits in `name0`, `name1`, ... where it is too long for one attribute.
pub(super) fn read_list(object: hid_t, name: &str) -> hdf5::Result<Attribute> {
    let whole = read(object, name)?;
    if !matches!(whole, Attribute::Missing) {
        return Ok(whole);
    }
    let mut joined: Option<Strings> = None;
    for chunk in 0.. {
        match read(object, &format!("{name}{chunk}"))? {
            Attribute::Text(strings) => match &mut joined {
                None => joined = Some(strings),
                Some(joined) => joined.values.extend(strings.values),
            },
            Attribute::Other(why) => return Ok(Attribute::Other(why)),
            Attribute::Missing => break,
        }
    }
    Ok(joined.map_or(Attribute::Missing, Attribute::Text))
}

/// How the file stores its texts, for those that are added.
pub(super) fn storage_of(object: i64, name: &str) -> Option<Storage> {
    match read_list(object, name) {
        Ok(Attribute::Text(strings)) => Some(strings.storage),
        _ => None,
    }
}

/// Removes a list of strings, be it split or not.
pub(super) fn remove_list(object: hid_t, name: &str) -> hdf5::Result<()> {
    for chunk in 0.. {
        let chunk_name = format!("{name}{chunk}");
        if matches!(read(object, &chunk_name)?, Attribute::Missing) {
            break;
        }
        remove(object, &chunk_name)?;
    }
    remove(object, name)
}

/// What an object header can hold of one attribute, as Keras reckons (64 KiB less what surrounds it).
const MOST_IN_HEADER: usize = 64_512;

/// Writes a list of strings, split as Keras splits it where one attribute cannot hold it.
pub(super) fn write_list(object: hid_t, name: &str, strings: &Strings) -> hdf5::Result<()> {
    let each = match strings.storage {
        Storage::Variable(_) => 16,
        Storage::Fixed(size, ..) => strings.values.iter().map(Vec::len).max().unwrap_or(0).max(size) + 1,
    };
    let most = (MOST_IN_HEADER / each).max(1);
    remove_list(object, name)?;
    if strings.values.len() <= most {
        return write(object, name, strings.clone());
    }
    // Keras makes the parts of nearly equal length; so does this.
    let parts = strings.values.len().div_ceil(most);
    let length = strings.values.len().div_ceil(parts);
    for (chunk, values) in strings.values.chunks(length).enumerate() {
        let part = Strings { values: values.to_vec(), ..strings.clone() };
        write(object, &format!("{name}{chunk}"), part)?;
    }
    Ok(())
}
