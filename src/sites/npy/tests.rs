use std::path::PathBuf;

use super::{Pair, finite_range, write};
use crate::fault::{Cell, Fault, Site};
use crate::layout::DataFormat;
use crate::progress::Progress;
use crate::sites::each::Each;

fn file(name: &str) -> PathBuf {
    format!("tests/data/npy/{name}.npy").into()
}

fn sites(injections: &str, masks: &str) -> Result<Vec<Site>, String> {
    Pair::open(&file(injections), &file(masks), DataFormat::ChannelsLast)
        .and_then(Iterator::collect)
        .map_err(|error| error.to_string().replace("tests/data/npy/", ""))
}

#[test]
fn what_numpy_saved_is_read() {
    let cell = |h, w, c, value| Cell { h, w, c, fault: Fault::Value(value) };
    let first = format!("{:?}", [cell(0, 0, 0, 0.0), cell(0, 1, 2, f32::NAN)]);
    let second = format!("{:?}", [cell(0, 0, 1, f32::NEG_INFINITY), cell(0, 1, 0, 0.1)]);
    for kind in ["f4", "f8", "f4-big"] {
        let sites = sites(&format!("injections-{kind}"), &format!("masks-{kind}")).unwrap();
        let cells: Vec<_> = sites.iter().map(|site| format!("{:?}", site.cells)).collect();
        assert_eq!(cells, [first.clone(), second.clone()], "{kind}");
    }
    for (injections, masks) in [("injections-fortran", "masks-fortran"), ("injections-f8", "masks-bool")] {
        let sites = sites(injections, masks).unwrap();
        let cells: Vec<_> = sites.iter().map(|site| format!("{:?}", site.cells)).collect();
        assert_eq!(cells, [first.clone(), second.clone()], "{injections} {masks}");
    }
    // Injections of one kind and masks of another are one pair still.
    assert_eq!(sites("injections-f4", "masks-f8").unwrap().len(), 2);
}

#[test]
fn what_is_no_pair_says_which_file_and_why() {
    for (injections, masks, message) in [
        ("missing", "masks-f4", "missing.npy: no such file"),
        ("masks-bool", "masks-f4", "masks-bool.npy: dtype |b1, where float32 or float64 is wanted"),
        ("injections-f4", "two", "two.npy: an element is no value of its type: error parsing value 0x02 as a bool"),
        (
            "rank-1",
            "rank-1",
            "rank-1.npy: shape (2,), where one axis for sites and then those of the tensor are wanted",
        ),
        ("rank-3", "rank-3", "rank-3.npy: site 0: the injection is 1 at [0, 1], where the mask is 1"),
        ("half", "masks-f4", "half.npy: dtype <f2, where float32 or float64 is wanted"),
        ("injections-f4", "int", "int.npy: dtype <i8, where float32 or float64 is wanted"),
        ("empty", "empty", "empty.npy: no sites"),
        ("injections-f4", "other-shape", "other-shape.npy: shape (2, 2, 1, 3), where the injections have (2, 1, 2, 3)"),
        ("injections-f4", "cut", "cut.npy: the file has 150 bytes, its header promises 176"),
        (
            "injections-f4",
            "masks-half-way",
            "masks-half-way.npy: site 0: the mask is 0.5 at [0, 0, 0], neither 0 nor 1",
        ),
        ("zeros", "all-ones", "all-ones.npy: site 0: no corrupted cell"),
        (
            "injections-f4",
            "all-ones",
            "injections-f4.npy: site 0: the injection is NaN at [0, 1, 2], where the mask is 1",
        ),
        (
            "beyond",
            "masks-f4",
            &format!("beyond.npy: site 0: the injection {} at [0, 0, 0] is beyond float32", 1e300f64),
        ),
    ] {
        assert_eq!(sites(injections, masks).unwrap_err(), message);
    }
    let text = Pair::open("Cargo.toml".as_ref(), &file("masks-f4"), DataFormat::ChannelsLast);
    assert_eq!(text.err().unwrap().to_string(), "Cargo.toml: not a NumPy file");
}

#[test]
fn the_finite_range_passes_over_what_is_not_finite() {
    assert_eq!(finite_range(&file("golden")).unwrap(), (-2.5, 7.25));
    assert_eq!(finite_range(&file("fortran")).unwrap(), (0.0, 1.0));
    let error = finite_range(&file("empty")).unwrap_err();
    assert_eq!(error.to_string(), "tests/data/npy/empty.npy: no finite value");
}

#[test]
fn files_are_as_numpy_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made/on/the/way");
    let pair = Pair::open(&file("injections-f4"), &file("masks-f4"), DataFormat::ChannelsLast).unwrap();
    let source = Each { shape: pair.shape(), sites: pair };
    write(source, 2, &inner, DataFormat::ChannelsLast, &Progress::silent()).unwrap();
    for name in ["injections", "masks"] {
        let ours = std::fs::read(inner.join(format!("{name}.npy"))).unwrap();
        let theirs = std::fs::read(file(&format!("{name}-f4"))).unwrap();
        // NumPy ends its dictionary with a comma.
        let plain = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..128]).replace(", }", "}").replace(' ', "");
        assert_eq!(plain(&ours), plain(&theirs), "{name}");
        assert!(ours[128..] == theirs[128..], "{name}");
    }
    assert_eq!(inner.read_dir().unwrap().count(), 2);
}
