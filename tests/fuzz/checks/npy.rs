//! A pair of NumPy files is read, written and read again.
//!
//! The first byte says the data format, the next two how long the injections are; the rest are the masks.

use std::fs;
use std::path::Path;

use classes_h5::fault::Site;
use classes_h5::layout::DataFormat;
use classes_h5::progress::Progress;
use classes_h5::sites::each::Each;
use classes_h5::sites::npy::{Pair, finite_range, write};
use classes_h5::sites::pass::PassError;

pub fn check(data: &[u8]) {
    let &[format, low, high, ref files @ ..] = data else { return };
    let format = if format % 2 == 0 { DataFormat::ChannelsLast } else { DataFormat::ChannelsFirst };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let (injections, masks) = files.split_at(length.min(files.len()));
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("i.npy"), injections).expect("written");
    fs::write(path("m.npy"), masks).expect("written");

    if let Ok((min, max)) = finite_range(&path("i.npy")) {
        assert!(min <= max && min.is_finite() && max.is_finite());
    }
    let Ok(pair) = Pair::open(&path("i.npy"), &path("m.npy"), format) else { return };
    let (shape, count) = (pair.shape(), pair.len());
    let Ok(sites) = pair.collect::<Result<Vec<Site>, _>>() else { return };
    assert_eq!(sites.len(), count);
    assert!(sites.iter().all(|site| site.shape == shape && !site.cells.is_empty()));

    let each = Each { shape, sites: sites.iter().cloned().map(Ok::<_, PassError>) };
    write(each, 2, folder.path(), format, &Progress::silent()).expect("written");
    let again = read(folder.path(), format);
    assert_eq!(format!("{again:?}"), format!("{sites:?}"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4, "no other file is left");
}

fn read(folder: &Path, format: DataFormat) -> Vec<Site> {
    let pair = Pair::open(&folder.join("injections.npy"), &folder.join("masks.npy"), format).expect("a pair");
    pair.map(|site| site.expect("a site")).collect()
}
