//! The stream promise, held to known sites. Where one of these fails, published campaigns cannot be repeated: the fault
//! is in the change, not in the test. (See `src/rng.rs` for what a wanted change takes.)

use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::{Figures, Models, Wanted};
use classes_h5::layout::Shape;
use classes_h5::operator::Convolution;
use classes_h5::pattern::{Rows, SpatialClass};
use classes_h5::progress::Progress;
use classes_h5::sites::drawn::Drawing;
use classes_h5::sites::lines;
use classes_h5::value::{Range, ValueClass};
use sha2::{Digest, Sha256};

const PINNED: &str = "tests/data/pinned-sites.tsv";

fn options() -> Options {
    Options { range: Range::new(-30.0, 30.0).unwrap(), rows: Rows::All, spatial_class: None, value_class: None }
}

fn sampler(operator: &str, shape: (usize, usize, usize), options: &Options, seed: u64) -> Sampler {
    let model = Models::default().load(operator).unwrap();
    Sampler::new(&model, Shape::new(shape.0, shape.1, shape.2).unwrap(), options, seed).unwrap()
}

fn lines(sampler: Sampler, first: u64, count: u64, jobs: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let drawing = Drawing { sampler, first, count, layer: None };
    lines::write(drawing.source(jobs), jobs, &mut out, &Progress::silent()).unwrap();
    out
}

/// A line of the file of pinned sites: set, operator, shape, seed, and the SHA-256 of the first hundred lines.
fn pinned_now() -> String {
    let mut text = "set\toperator\tshape\tseed\tsha256_of_100_lines\n".to_owned();
    for set in ["gpu-warp", "gpu-thread"] {
        let models = Models::new(set.as_ref());
        for operator in models.operators().unwrap() {
            let model = models.load(&operator).unwrap();
            for (shape, seed) in [((27, 27, 16), 0), ((5, 6, 7), 7), ((13, 13, 256), u64::MAX)] {
                let shape = Shape::new(shape.0, shape.1, shape.2).unwrap();
                let sampler = Sampler::new(&model, shape, &options(), seed).unwrap();
                let digest = Sha256::digest(lines(sampler, 0, 100, 1));
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                text += &format!("{set}\t{operator}\t{shape}\t{seed}\t{digest}\n");
            }
        }
    }
    // Of sets that were measured layer by layer: of all layers that are alike, and of one.
    for set in Models::by_layer() {
        let Figures::Layers(layers) = Models::new(set.as_ref()).figures("conv").unwrap() else { panic!("{set}") };
        let shape = Shape::new(13, 11, 24).unwrap();
        let point = Convolution { input: None, kernel: [1, 1], strides: [1, 1], dilation: [1, 1], is_full: true };
        let like = Wanted { output: Some(shape), ..Wanted::default() };
        for (wanted, what, seed) in [
            (Wanted { convolution: Some(&point), ..like }, "conv alike point", 7),
            (Wanted { named: Some("merge2"), ..like }, "conv merge2", 0),
        ] {
            let choice = layers.choose(&wanted).unwrap();
            let sampler = Sampler::among(&layers, &choice, shape, &options(), seed).unwrap();
            let digest = Sha256::digest(lines(sampler, 0, 100, 1));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            text += &format!("{set}\t{what}\t{shape}\t{seed}\t{digest}\n");
        }
    }
    text
}

#[test]
fn known_sites_of_three_seeds_stay_as_they_are() {
    let pinned = std::fs::read_to_string(PINNED).unwrap();
    for (now, pinned) in pinned_now().lines().zip(pinned.lines()) {
        assert_eq!(now, pinned);
    }
    assert_eq!(pinned.lines().count(), 79);
}

#[test]
fn a_known_line_stays_as_it_is() {
    let options = Options { spatial_class: Some(SpatialClass::BulletWake), ..options() };
    let line = String::from_utf8(lines(sampler("conv_gemm", (27, 27, 16), &options, 7), 3, 1, 1)).unwrap();
    assert_eq!(line, PINNED_LINE);
    let flip = Sampler::single_bit_flip(Shape::new(27, 27, 16).unwrap(), 7);
    assert_eq!(String::from_utf8(lines(flip, 3, 1, 1)).unwrap(), PINNED_FLIP);
}

const PINNED_LINE: &str = concat!(
    r#"{"site":3,"seed":7,"model":"gpu-warp/conv_gemm@75c665513c99","spatial_class":"bullet_wake","parameters":{"affected_channels_pct":[20.0,30.0],"max_corrupted_channels":32,"min_channel_skip":1,"max_channel_skip":4},"shape":{"h":27,"w":27,"c":16},"cells":[{"h":5,"w":26,"c":4,"value":-21.044682,"class":"in_range"},{"h":5,"w":26,"c":8,"value":-26.145025,"class":"in_range"},{"h":5,"w":26,"c":9,"value":-40.970295,"class":"out_of_range"}]}"#,
    "\n"
);
const PINNED_FLIP: &str = concat!(
    r#"{"site":3,"seed":7,"model":"single-bit-flip","shape":{"h":27,"w":27,"c":16},"cells":[{"h":12,"w":13,"c":0,"bit":0}]}"#,
    "\n"
);

#[test]
fn sites_at_once_in_shards_or_on_threads_are_the_same_bytes() {
    let sampler = || sampler("conv_win", (14, 14, 32), &options(), 42);
    let at_once = lines(sampler(), 0, 1000, 1);
    let shards: Vec<u8> = [0, 250, 500, 750].into_iter().flat_map(|first| lines(sampler(), first, 250, 3)).collect();
    assert!(shards == at_once);
    for jobs in [2, 8] {
        assert!(lines(sampler(), 0, 1000, jobs) == at_once, "{jobs} threads");
    }
    assert!(at_once.starts_with(&lines(sampler(), 0, 10, 2)));
}

#[test]
fn all_that_a_site_may_depend_on_changes_it() {
    let range = Range::new(-30.0, 31.0).unwrap();
    let cells = |sampler: Sampler| {
        let text = String::from_utf8(lines(sampler, 0, 20, 1)).unwrap();
        text.lines().map(|line| line.split_once("\"cells\"").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let shape = (27, 27, 16);
    let runs = [
        sampler("relu", shape, &options(), 1),
        sampler("relu", shape, &options(), 2),
        sampler("relu", (27, 28, 16), &options(), 1),
        sampler("elu", shape, &options(), 1),
        sampler("relu", shape, &Options { range, ..options() }, 1),
        sampler("relu", shape, &Options { rows: Rows::Fitting, ..options() }, 1),
        sampler("relu", shape, &Options { spatial_class: Some(SpatialClass::BulletWake), ..options() }, 1),
        sampler("relu", shape, &Options { value_class: Some(ValueClass::InRange), ..options() }, 1),
    ];
    let runs: Vec<_> = runs.into_iter().map(cells).collect();
    for (i, run) in runs.iter().enumerate() {
        assert!(runs[..i].iter().all(|other| other.iter().zip(run).all(|(a, b)| a != b)), "run {i}");
    }
}
