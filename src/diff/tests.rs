use std::fs;

use ndarray::{Array3, Array4};
use ndarray_npy::write_npy;

use super::*;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::sites::lines::Reader;

/// A golden tensor of 2x3x4 with values from 1 on.
fn golden() -> Array3<f32> {
    Array3::from_shape_fn((2, 3, 4), |(h, w, c)| (1 + (h * 3 + w) * 4 + c) as f32)
}

/// Compares files of a folder; lines, and what became of them.
fn compared(folder: &Path, files: &[&str], format: DataFormat, epsilon: f32) -> (String, Compared, Vec<String>) {
    let which = Which::One(folder.join("golden.npy"));
    let comparison = Comparison { which, format, epsilon, jobs: 2 };
    let faulty = files.iter().map(|name| Faulty { path: folder.join(name), golden: None }).collect::<Vec<_>>();
    let (mut out, told) = (Vec::new(), std::sync::Mutex::new(Vec::new()));
    let tell = |notice: Notice| {
        let words = match notice {
            Notice::Failed(error) | Notice::Golden(_, error) => error.to_string(),
            Notice::NoGolden(_) => "no golden".to_owned(),
            Notice::IsGolden(_) => "is golden".to_owned(),
        };
        told.lock().unwrap().push(words.replace(&format!("{}/", folder.display()), ""));
    };
    let done = comparison.run(faulty.into_iter(), &mut out, tell, &Progress::silent()).unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort();
    (String::from_utf8(out).unwrap(), done, told)
}

/// Row, column, channel, the bits of the value, its class.
type Measured = (usize, usize, usize, u32, String);

/// The cells of each line.
fn cells(lines: &str) -> Vec<Vec<Measured>> {
    let classes = lines.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let classes = line["cells"].as_array().unwrap().iter().map(|cell| cell["class"].as_str().unwrap().to_owned());
        classes.collect::<Vec<_>>()
    });
    let sites = Reader::new(lines.as_bytes()).map(Result::unwrap);
    let cells = sites.zip(classes).map(|(site, classes)| {
        let cells = site.cells.iter().zip(classes).map(|(cell, class)| {
            let Fault::Value(value) = cell.fault else { panic!("values are measured") };
            (cell.h, cell.w, cell.c, value.to_bits(), class)
        });
        cells.collect()
    });
    cells.collect()
}

#[test]
fn each_cell_that_differs_is_in_the_line_with_its_value_and_class() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, tensor: &Array3<f32>| write_npy(folder.path().join(name), tensor).unwrap();
    put("golden.npy", &golden());
    let mut faulty = golden();
    let values = [f32::NAN, f32::INFINITY, 0.0, -0.0, 1e30, -19.0, 21.5];
    let places = [(0, 0, 0), (0, 1, 2), (1, 0, 3), (1, 1, 1), (1, 2, 0), (1, 1, 2), (1, 2, 3)];
    for (place, value) in places.into_iter().zip(values) {
        faulty[place] = value;
    }
    put("faulty.npy", &faulty);
    put("same.npy", &golden());
    let (lines, done, told) =
        compared(folder.path(), &["faulty.npy", "same.npy", "golden.npy"], DataFormat::ChannelsLast, 0.0);
    assert_eq!((done, told), (Compared { corrupted: 1, masked: 1, failed: 0 }, vec!["is golden".to_owned()]));
    let classes = ["nan", "nan", "zero", "zero", "out_of_range", "flip", "in_range"];
    let mut expected: Vec<_> = places
        .into_iter()
        .zip(values)
        .zip(classes)
        .map(|(((h, w, c), value), class)| (h, w, c, value.to_bits(), class.to_owned()))
        .collect();
    expected.sort_by_key(|cell| (cell.0, cell.1, cell.2));
    assert_eq!(cells(&lines), [expected]);
    assert!(lines.contains(r#""golden_range":[1.0,24.0]"#), "{lines}");
}

#[test]
fn small_differences_count_from_epsilon_on_and_nan_in_any_case() {
    let folder = tempfile::tempdir().unwrap();
    write_npy(folder.path().join("golden.npy"), &golden()).unwrap();
    let mut faulty = golden();
    faulty[(0, 0, 0)] += 1e-4;
    faulty[(0, 0, 1)] += 1e-2;
    faulty[(0, 0, 2)] = f32::NAN;
    write_npy(folder.path().join("faulty.npy"), &faulty).unwrap();
    let count =
        |epsilon| cells(&compared(folder.path(), &["faulty.npy"], DataFormat::ChannelsLast, epsilon).0)[0].len();
    assert_eq!([count(0.0), count(1e-3), count(1.0)], [3, 2, 1]);
}

#[test]
fn either_order_of_axes_a_batch_of_one_and_float64_are_the_same_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let mut faulty = golden();
    faulty[(1, 0, 2)] = -7.0;
    faulty[(0, 2, 3)] = 0.0;
    let batch = |tensor: &Array3<f32>| Array4::from_shape_fn((1, 2, 3, 4), |(_, h, w, c)| f64::from(tensor[(h, w, c)]));
    write_npy(folder.path().join("golden.npy"), &golden()).unwrap();
    write_npy(folder.path().join("plain.npy"), &faulty).unwrap();
    write_npy(folder.path().join("batch.npy"), &batch(&faulty)).unwrap();
    let (lines, ..) = compared(folder.path(), &["plain.npy", "batch.npy"], DataFormat::ChannelsLast, 0.0);
    let found = cells(&lines);
    assert_eq!(found[0], found[1]);
    let first = |tensor: &Array3<f32>| Array3::from_shape_fn((4, 2, 3), |(c, h, w)| tensor[(h, w, c)]);
    write_npy(folder.path().join("golden.npy"), &first(&golden())).unwrap();
    write_npy(folder.path().join("first.npy"), &first(&faulty)).unwrap();
    let (lines, ..) = compared(folder.path(), &["first.npy"], DataFormat::ChannelsFirst, 0.0);
    let mut first = cells(&lines).remove(0);
    first.sort_by_key(|cell| (cell.0, cell.1, cell.2));
    assert_eq!(first, found[0]);
}

#[test]
fn what_cannot_be_compared_is_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_npy(at("golden.npy"), &golden()).unwrap();
    write_npy(at("other.npy"), &Array3::<f32>::zeros((2, 4, 3))).unwrap();
    write_npy(at("batch.npy"), &Array4::<f32>::zeros((2, 2, 3, 4))).unwrap();
    write_npy(at("whole.npy"), &golden().mapv(|value| value as i32)).unwrap();
    write_npy(at("turned.npy"), &golden().reversed_axes()).unwrap();
    write_npy(at("large.npy"), &golden().mapv(|value| f64::from(value) * 1e300)).unwrap();
    fs::write(at("text.npy"), "no array").unwrap();
    let mut faulty = golden();
    faulty[(0, 0, 0)] = 5.0;
    write_npy(at("good.npy"), &faulty).unwrap();
    let files = ["other.npy", "batch.npy", "whole.npy", "turned.npy", "large.npy", "text.npy", "gone.npy", "good.npy"];
    let (lines, done, told) = compared(folder.path(), &files, DataFormat::ChannelsLast, 0.0);
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.starts_with(r#"{"site":7,"#), "{lines}");
    assert_eq!(done, Compared { corrupted: 1, masked: 0, failed: 7 });
    assert_eq!(
        told,
        [
            "batch.npy: shape (2, 2, 3, 4), where golden.npy has (2, 3, 4)",
            "gone.npy: no such file",
            &format!("large.npy: the value {} at [0, 0, 0] is beyond float32", 1e300f64),
            "other.npy: shape (2, 4, 3), where golden.npy has (2, 3, 4)",
            "text.npy: not a NumPy file",
            "turned.npy: in Fortran order, where the last axis has to vary fastest",
            "whole.npy: dtype <i4, where float32 or float64 is wanted",
        ]
    );
}

#[test]
fn a_golden_tensor_is_finite_and_a_single_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("golden.npy");
    let refused = || {
        let error = Golden::read(&path, DataFormat::ChannelsLast).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let mut tensor = golden();
    tensor[(1, 0, 2)] = f32::NAN;
    write_npy(&path, &tensor).unwrap();
    assert_eq!(refused(), "golden.npy: NaN at [1, 0, 2]: every value of a golden tensor is finite");
    write_npy(&path, &Array4::<f32>::zeros((2, 2, 3, 4))).unwrap();
    assert_eq!(refused(), "golden.npy: shape (2, 2, 3, 4), a batch of 2, where one tensor is wanted");
    write_npy(&path, &golden().into_shape_with_order((6, 4)).unwrap()).unwrap();
    assert_eq!(
        refused(),
        "golden.npy: shape (6, 4), where the three axes of a tensor are wanted, behind a batch axis of 1 or none"
    );
}
