//! Writes an HDF5 file with one text attribute of so many bytes, and nothing else: what `files.py` compares with.
//!
//! `cargo run --release --example bare FILE BYTES`

#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::ptr;

use hdf5_sys::h5a::{H5Aclose, H5Acreate2, H5Awrite};
use hdf5_sys::h5f::{H5F_ACC_TRUNC, H5Fclose, H5Fcreate};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5S_SCALAR, H5Screate};
use hdf5_sys::h5t::{H5T_C_S1, H5T_VARIABLE, H5Tcopy, H5Tset_size};

fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().expect("FILE");
    let bytes: usize = args.next().and_then(|text| text.parse().ok()).expect("BYTES");
    let mut text = Vec::with_capacity(bytes + 1);
    text.resize(bytes, b'0');
    let text = CString::new(text).expect("no NUL");
    let file = CString::new(file).expect("no NUL");
    let pointer: *const c_char = text.as_ptr();
    // The library is initialised by the first call through the crate.
    let _ = hdf5::library_version();
    // SAFETY: every identifier is checked before use, and the text outlives the write.
    unsafe {
        let file = H5Fcreate(file.as_ptr(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        let kind = H5Tcopy(*H5T_C_S1);
        let space = H5Screate(H5S_SCALAR);
        assert!(file >= 0 && kind >= 0 && space >= 0 && H5Tset_size(kind, H5T_VARIABLE) >= 0);
        let attribute = H5Acreate2(file, c"model_config".as_ptr(), kind, space, H5P_DEFAULT, H5P_DEFAULT);
        assert!(attribute >= 0 && H5Awrite(attribute, kind, ptr::from_ref(&pointer).cast()) >= 0);
        assert!(H5Aclose(attribute) >= 0 && H5Fclose(file) >= 0);
    }
}
