//! HDF5 in a part of a file, such as a member of an archive, without a copy of it on a disk.
//!
//! The part is mapped into memory, where changes stay in this process, and given to HDF5's driver for files in memory as the image
//! of the file, with functions that neither make nor copy one. All of it happens in a child process, of which it is the only image.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use hdf5::plist::file_access::FileAccessBuilder;
use hdf5::sync::sync;
use hdf5_sys::h5::herr_t;
use hdf5_sys::h5f::{H5F_ACC_RDONLY, H5F_ACC_RDWR, H5Fopen};
use hdf5_sys::h5fd::{H5FD_file_image_callbacks_t, H5FD_file_image_op_t};
use hdf5_sys::h5p::{H5Pset_file_image, H5Pset_file_image_callbacks};
use libc::size_t;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};

/// The image of this process, how long it is, and how long it may become.
static START: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);
static ROOM: AtomicUsize = AtomicUsize::new(0);

/// Gives the image for whatever is asked for, if it has the room.
extern "C" fn image_malloc(size: size_t, _: H5FD_file_image_op_t, _: *mut c_void) -> *mut c_void {
    if size <= ROOM.load(Ordering::Relaxed) { START.load(Ordering::Relaxed) } else { ptr::null_mut() }
}

/// What is copied is always the image, onto itself.
extern "C" fn image_memcpy(
    to: *mut c_void,
    _: *const c_void,
    _: size_t,
    _: H5FD_file_image_op_t,
    _: *mut c_void,
) -> *mut c_void {
    to
}

extern "C" fn image_realloc(image: *mut c_void, size: size_t, _: H5FD_file_image_op_t, _: *mut c_void) -> *mut c_void {
    if size > ROOM.load(Ordering::Relaxed) {
        return ptr::null_mut();
    }
    LENGTH.store(size, Ordering::Relaxed);
    image
}

extern "C" fn image_free(_: *mut c_void, _: H5FD_file_image_op_t, _: *mut c_void) -> herr_t {
    0
}

/// The image of an HDF5 file. One in a process: what it is mapped to stays until the end of that.
pub(super) struct Image(());

impl Image {
    /// Maps `part` of `file`, with room for `more` bytes behind it.
    pub fn map(file: &File, part: &Range<u64>, more: u64) -> io::Result<Image> {
        let page = rustix::param::page_size() as u64;
        let before = part.start % page;
        let length = part.end - part.start;
        let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
        let size = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(too_large);
        let (all, of_file) = (size((before + length).checked_add(more))?, size(Some(before + length))?);
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: new memory, of which nobody else knows, and the file in the first part of it. Where the file is cut short meanwhile,
        // this process dies of reading it, which the parent hears.
        let start = unsafe {
            let start =
                mmap_anonymous(ptr::null_mut(), all.max(1), protection, MapFlags::PRIVATE | MapFlags::NORESERVE)?;
            if length > 0 {
                let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
                mmap(start, of_file, protection, flags, file, part.start - before)?;
            }
            start.byte_add(before as usize)
        };
        START.store(start, Ordering::Relaxed);
        LENGTH.store(size(Some(length))?, Ordering::Relaxed);
        ROOM.store(size(length.checked_add(more))?, Ordering::Relaxed);
        Ok(Image(()))
    }

    /// The bytes as they are now; while no file is open in them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: as many bytes are mapped, and nothing but an open file changes them.
        unsafe { slice::from_raw_parts(START.load(Ordering::Relaxed).cast(), LENGTH.load(Ordering::Relaxed)) }
    }

    /// Opens the HDF5 file that it is.
    pub fn open(&self, writes: bool) -> hdf5::Result<hdf5::File> {
        let failed = |what: &str| hdf5::Error::Internal(what.to_owned());
        let check = |status: herr_t| if status < 0 { Err(failed("HDF5 takes no image of a file")) } else { Ok(()) };
        // New objects in the oldest form that holds them, as in `write`; not a byte is taken ahead.
        let access = FileAccessBuilder::new().core_options(1, false).libver_earliest().finish()?;
        let mut callbacks = H5FD_file_image_callbacks_t {
            image_malloc: Some(image_malloc),
            image_memcpy: Some(image_memcpy),
            image_realloc: Some(image_realloc),
            image_free: Some(image_free),
            ..Default::default()
        };
        let (start, length) = (START.load(Ordering::Relaxed), LENGTH.load(Ordering::Relaxed));
        let flags = if writes { H5F_ACC_RDWR } else { H5F_ACC_RDONLY };
        // SAFETY: the image is as long as is said and outlives the file, and so does the list the call.
        let id: hdf5::Result<_> = sync(|| unsafe {
            check(H5Pset_file_image_callbacks(access.id(), &mut callbacks))?;
            check(H5Pset_file_image(access.id(), start, length))?;
            // The driver wants a name, and one that no file has.
            Ok(H5Fopen(c"/dev/null/model.weights.h5".as_ptr(), flags, access.id()))
        });
        let id = id?;
        if id < 0 {
            return Err(hdf5::Error::query().unwrap_or_else(|error| error));
        }
        // SAFETY: the identifier of a file that was just opened.
        unsafe { hdf5::from_id(id) }
    }
}
