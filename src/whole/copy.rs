//! The bytes of one file into another, by the quickest way there is.

use std::fs::File;
use std::io::{self, Read, Write};

/// Large enough that system calls cost nothing, small enough for a processor's cache.
const PIECE: usize = 256 << 10;

/// Fills the empty file `to` with what is in `from`.
pub(super) fn copy(from: &mut File, to: &mut File) -> io::Result<()> {
    if shares_blocks(from, to) {
        return Ok(());
    }
    // On a disk the kernel's own copy goes page by page, and is slower.
    if is_elsewhere(from) { io::copy(from, to).map(drop) } else { in_pieces(from, to) }
}

/// Has the file system let `to` have the very blocks of `from`, where it can.
fn shares_blocks(from: &File, to: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::ioctl_ficlone(to, from).is_ok();
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Whether a server has the file, which may be able to copy it without sending it to us and back.
fn is_elsewhere(file: &File) -> bool {
    /// NFS, SMB 2, CIFS, Ceph, FUSE; as in the kernel's magic.h.
    #[cfg(target_os = "linux")]
    const ELSEWHERE: [u32; 5] = [0x6969, 0xfe53_4d42, 0xff53_4d42, 0x00c3_6400, 0x6573_5546];
    #[cfg(target_os = "linux")]
    return rustix::fs::fstatfs(file).is_ok_and(|system| ELSEWHERE.contains(&(system.f_type as u32)));
    #[cfg(not(target_os = "linux"))]
    return false;
}

fn in_pieces(from: &mut File, to: &mut File) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&piece[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_has_the_bytes_of_its_source_whatever_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for size in [0, 1, PIECE - 1, PIECE, 2 * PIECE + 1] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            fs::write(&from, &bytes).unwrap();
            for way in [copy, in_pieces] {
                way(&mut File::open(&from).unwrap(), &mut File::create(&to).unwrap()).unwrap();
                assert!(fs::read(&to).unwrap() == bytes, "{size}");
            }
        }
    }

    #[test]
    fn a_folder_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let mut to = File::create(folder.path().join("to")).unwrap();
        assert!(copy(&mut File::open(folder.path()).unwrap(), &mut to).is_err());
    }
}
