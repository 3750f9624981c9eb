//! What is drawn follows the fitted model: frequencies, places and values, with fixed seeds.
//!
//! Each test has a significance of 10⁻⁵; there are about 700, and 6,000 more of measured layers, so that a generator without
//! a fault fails one of them in fewer than 1 of 10 runs with other seeds.

use std::collections::BTreeMap;

use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::{Figures, Layers, Models, Wanted};
use classes_h5::fault::Fault;
use classes_h5::layout::Shape;
use classes_h5::operator::Convolution;
use classes_h5::pattern::{Canvas, Fields, Fit, Pattern, Rows, SpatialClass};
use classes_h5::rng::Streams;
use classes_h5::value::{Mix, Range, ValueClass};
use serde_json::{Value, json};

/// The standard normal deviate that is exceeded with a probability of 10⁻⁵.
const DEVIATE: f64 = 4.265;

/// Chi-square test of counts against weights, cells of less than 5 expected pooled; the approximation to the
/// chi-square distribution is Wilson's and Hilferty's.
fn follows(what: &str, counts: &[u64], weights: &[f64]) {
    let total = counts.iter().sum::<u64>() as f64;
    let sum: f64 = weights.iter().sum();
    let (mut chi, mut cells, mut pooled) = (0.0, 0, (0.0, 0.0));
    for (&count, weight) in counts.iter().zip(weights) {
        let expected = total * weight / sum;
        if expected < 5.0 {
            assert!(*weight > 0.0 || count == 0, "{what}: drawn without a weight: {counts:?}");
            pooled = (pooled.0 + count as f64, pooled.1 + expected);
        } else {
            chi += (count as f64 - expected).powi(2) / expected;
            cells += 1;
        }
    }
    if pooled.1 >= 5.0 {
        chi += (pooled.0 - pooled.1).powi(2) / pooled.1;
        cells += 1;
    }
    if cells < 2 {
        return;
    }
    let freedom = f64::from(cells - 1);
    let spread = 2.0 / (9.0 * freedom);
    let deviate = ((chi / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    assert!(deviate < DEVIATE, "{what}: chi-square {chi:.1} with {freedom} degrees of freedom, {counts:?}");
}

/// Uniform counts.
fn even(what: &str, counts: &[u64]) {
    follows(what, counts, &vec![1.0; counts.len()]);
}

/// Kolmogorov's and Smirnov's test of numbers that should be uniform in 0..1 (critical value for 10⁻⁵: 2.47).
fn uniform(what: &str, mut numbers: Vec<f64>) {
    numbers.sort_by(f64::total_cmp);
    let n = numbers.len() as f64;
    let distance = |(i, x): (usize, &f64)| (x - i as f64 / n).abs().max((x - (i + 1) as f64 / n).abs());
    let largest = numbers.iter().enumerate().map(distance).fold(0.0, f64::max);
    assert!(largest * n.sqrt() < 2.47, "{what}: a distance of {largest} for {n} numbers");
}

fn options() -> Options {
    Options { range: Range::new(-4.0, 12.0).unwrap(), rows: Rows::All, spatial_class: None, value_class: None }
}

/// Draws sites of every model in one shape, and tests all that is drawn by weight.
fn models_are_followed(shape: Shape, count: u64) {
    let mut tested = 0;
    for set in ["gpu-warp", "gpu-thread"] {
        let models = Models::new(set.as_ref());
        for operator in models.operators().unwrap() {
            let model = models.load(&operator).unwrap();
            let sampler = Sampler::new(&model, shape, &options(), 11).unwrap();
            frequencies(&format!("{set}/{operator} in {shape}"), &sampler, count);
            tested += 1;
        }
    }
    assert_eq!(tested, 20);
}

fn frequencies(what: &str, sampler: &Sampler, count: u64) {
    let classes: Vec<_> = sampler.plan().unwrap().only().unwrap().classes.iter().collect();
    let place = |class: SpatialClass| classes.iter().position(|(_, there)| there.class == class).unwrap();
    let mut by_class = vec![0; classes.len()];
    let mut by_set: Vec<Vec<u64>> = classes.iter().map(|(_, class)| vec![0; class.patterns.iter().count()]).collect();
    let mut by_mix: Vec<Vec<u64>> = classes.iter().map(|(_, class)| vec![0; class.mixes.iter().count()]).collect();
    let mut values: BTreeMap<(usize, usize), BTreeMap<&str, u64>> = BTreeMap::new();
    let mut drawn = sampler.room();
    for index in 0..count {
        sampler.draw(index, &mut drawn);
        let pattern = drawn.pattern().unwrap();
        let (class, mix) = (place(pattern.class), pattern.mix.unwrap());
        by_class[class] += 1;
        by_set[class][pattern.set] += 1;
        by_mix[class][mix] += 1;
        let cells = drawn.places().len();
        let named = |name: ValueClass| drawn.cells().filter(|(_, class)| *class == Some(name)).count();
        match classes[class].1.mixes.get(mix) {
            Mix::One(name) => assert_eq!(named(*name), cells, "{what}"),
            Mix::Two { first, second, share } => {
                let ones = named(*first);
                assert_eq!(ones + named(*second), cells, "{what}: a third value class");
                let (low, high) = (share.0 * cells as f64 / 100.0, share.1 * cells as f64 / 100.0);
                let within = low.floor() as usize <= ones && ones <= high.ceil() as usize;
                assert!(
                    within || cells > 1 && (ones == 1 || ones == cells - 1),
                    "{what}: {ones} of {cells}, {share:?}"
                );
            }
            Mix::Each(_) => {
                let counts = values.entry((class, mix)).or_default();
                // A hundred cells of a site tell enough.
                for (_, class) in drawn.cells().take(100) {
                    *counts.entry(class.unwrap().name()).or_default() += 1;
                }
            }
        }
    }
    follows(&format!("{what}: spatial classes"), &by_class, &classes.iter().map(|(w, _)| *w).collect::<Vec<_>>());
    for (i, (_, class)) in classes.iter().enumerate() {
        let weights: Vec<_> = class.patterns.iter().map(|(weight, _)| weight).collect();
        follows(&format!("{what}: parameter sets of {}", class.class), &by_set[i], &weights);
        let weights: Vec<_> = class.mixes.iter().map(|(weight, _)| weight).collect();
        follows(&format!("{what}: value mixes of {}", class.class), &by_mix[i], &weights);
    }
    for ((class, mix), counts) in values {
        let class = classes[class].1;
        let Mix::Each(weights) = class.mixes.get(mix) else { unreachable!("only these are counted") };
        let (weights, counts): (Vec<_>, Vec<_>) =
            weights.iter().map(|(w, class)| (w, counts.get(class.name()).copied().unwrap_or(0))).unzip();
        follows(&format!("{what}: value classes of {} {mix}", class.class), &counts, &weights);
    }
}

#[test]
fn all_twenty_models_are_followed_in_a_large_tensor() {
    models_are_followed(Shape::new(56, 56, 64).unwrap(), 4000);
}

#[test]
fn all_twenty_models_are_followed_in_outputs_that_are_no_images() {
    models_are_followed(Shape::of_axes(&[512]).unwrap(), 4000);
    models_are_followed(Shape::of_axes(&[40, 24]).unwrap(), 4000);
    models_are_followed(Shape::of_axes(&[5, 6, 7, 4]).unwrap(), 4000);
}

#[test]
fn all_twenty_models_are_followed_in_a_small_tensor() {
    models_are_followed(Shape::new(5, 6, 7).unwrap(), 20_000);
}

fn layers(set: &str) -> Layers {
    match Models::new(set.as_ref()).figures("conv").unwrap() {
        Figures::Layers(layers) => layers,
        Figures::Operator(_) => panic!("{set} was measured layer by layer"),
    }
}

#[test]
fn every_measured_layer_of_every_set_is_followed_in_a_tensor_of_its_size() {
    let mut tested = 0;
    for set in Models::by_layer() {
        let layers = layers(set);
        for layer in layers.iter() {
            let shape = Shape::new(layer.side as usize, layer.side as usize, layer.channels_out as usize).unwrap();
            let choice = layers.choose(&Wanted { named: Some(&layer.name), ..Wanted::default() }).unwrap();
            let sampler = Sampler::among(&layers, &choice, shape, &options(), 11).unwrap();
            // What of its own figures a layer cannot hold are skips between cells of a row that came from a merge.
            let struck: f64 = sampler.plan().unwrap().struck.iter().map(|struck| struck.share).sum();
            assert!(struck < 0.01, "{set} {}: {struck} is struck", layer.name);
            frequencies(&format!("{set} {} in {shape}", layer.name), &sampler, 120);
            tested += 1;
        }
    }
    assert_eq!(tested, 351);
}

#[test]
fn layers_are_drawn_by_the_ratio_of_areas_and_each_gives_its_own_classes() {
    let layers = layers("nvdla-32x16-int16");
    let shape = Shape::new(13, 11, 24).unwrap();
    let convolution = Convolution { input: None, kernel: [3, 3], strides: [2, 2], dilation: [1, 1], is_full: true };
    let wanted = Wanted { output: Some(shape), convolution: Some(&convolution), named: None };
    let choice = layers.choose(&wanted).unwrap();
    let sampler = Sampler::among(&layers, &choice, shape, &options(), 11).unwrap();
    let parts: Vec<_> = sampler.plan().unwrap().parts.iter().collect();
    let mut by_layer = vec![0; parts.len()];
    let mut by_class: Vec<Vec<u64>> = parts.iter().map(|(_, part)| vec![0; part.classes.iter().count()]).collect();
    let mut drawn = sampler.room();
    for index in 0..40_000 {
        sampler.draw(index, &mut drawn);
        let pattern = drawn.pattern().unwrap();
        by_layer[pattern.part] += 1;
        let classes = &parts[pattern.part].1.classes;
        by_class[pattern.part][classes.iter().position(|(_, class)| class.class == pattern.class).unwrap()] += 1;
    }
    let area = |name: &str| {
        let side = layers.iter().find(|layer| layer.name == name).unwrap().side;
        (143.0 / f64::from(side * side)).min(f64::from(side * side) / 143.0)
    };
    let weights: Vec<f64> = parts.iter().map(|(_, part)| area(part.layer.as_ref().unwrap())).collect();
    assert_eq!(weights.len(), 19);
    follows("layers", &by_layer, &weights);
    for ((_, part), counts) in parts.iter().zip(by_class) {
        let weights: Vec<f64> = part.classes.iter().map(|(weight, _)| weight).collect();
        follows(part.layer.as_ref().unwrap(), &counts, &weights);
    }
}

/// Counts what `key` reads off the cells of many sites of one pattern.
fn places(
    class: SpatialClass,
    parameters: Value,
    shape: Shape,
    keys: usize,
    key: impl Fn(&[usize]) -> Vec<usize>,
) -> Vec<u64> {
    let none = serde_json::Map::new();
    let mut problems = Vec::new();
    let keys_of = parameters.as_object().unwrap();
    let fields = &mut Fields { keys: keys_of, stats: &none, pointer: "", problems: &mut problems };
    let pattern = Pattern::new(class, fields).unwrap_or_else(|| panic!("{class}: bad parameters"));
    let fitted = pattern.fit(&mut Fit::new(shape, Rows::All)).unwrap();
    let (streams, mut canvas) = (Streams::new("places"), Canvas::new(shape));
    let mut counts = vec![0; keys];
    for index in 0..40_000 {
        canvas.clear();
        fitted.cells(&mut streams.site(index), &mut canvas);
        let cells: Vec<usize> = canvas.cells.iter().map(|&cell| cell as usize).collect();
        key(&cells).into_iter().for_each(|key| counts[key] += 1);
    }
    counts
}

#[test]
fn a_corner_is_as_likely_as_the_middle() {
    let shape = Shape::new(5, 6, 4).unwrap();
    let (width, plane) = (6, 30);
    let channels = |more: Value| {
        let mut all = json!({
            "affected_channels_pct": [50, 50], "max_corrupted_channels": 9, "min_channel_skip": 1, "max_channel_skip": 1,
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let values = |pct: &str| json!({pct: [50, 50], "max_cardinality": 2, "min_value_skip": 1, "max_value_skip": 1});

    let cells = places(SpatialClass::Single, json!({}), shape, 120, |cells| cells.to_vec());
    even("single", &cells);

    let positions = places(SpatialClass::BulletWake, channels(json!({})), shape, 30, |cells| vec![cells[0] % plane]);
    even("positions of bullet wakes", &positions);
    let first = places(SpatialClass::BulletWake, channels(json!({})), shape, 3, |cells| vec![cells[0] / plane]);
    even("first channels of bullet wakes", &first);

    let rows = places(SpatialClass::SameRow, values("row_corruption_pct"), shape, 20, |cells| vec![cells[0] / width]);
    even("rows", &rows);
    let starts = places(SpatialClass::SameRow, values("row_corruption_pct"), shape, 5, |cells| vec![cells[0] % width]);
    even("starts of rows", &starts);
    let columns = |cells: &[usize]| vec![cells[0] / plane * width + cells[0] % width];
    even("columns", &places(SpatialClass::SameColumn, values("col_corruption_pct"), shape, 24, columns));

    let block = json!({"block_size": 16, "block_corruption_pct": [100, 100]});
    even("blocks", &places(SpatialClass::SingleBlock, block, shape, 105, |cells| vec![cells[0]]));
    let half = json!({"block_size": 120, "block_corruption_pct": [50, 50]});
    even("cells of blocks", &places(SpatialClass::SingleBlock, half, shape, 120, |cells| cells.to_vec()));

    let rectangle = channels(json!({"rectangle_width": 2, "rectangle_height": 3}));
    let corner = |cells: &[usize]| vec![cells[0] % plane / width * 4 + cells[0] % width];
    even("rectangles", &places(SpatialClass::Rectangles, rectangle, shape, 8, corner));

    let multi = channels(json!({"block_size": 8, "avg_block_corruption_pct": [100, 100]}));
    // 30 positions are blocks of 8, 8, 8 and 6 cells.
    even(
        "aligned blocks",
        &places(SpatialClass::MultiChannelBlock, multi, shape, 4, |cells| vec![cells[0] % plane / 8]),
    );

    let full = channels(json!({"avg_channel_corruption_pct": [60, 60]}));
    even(
        "cells of channels",
        &places(SpatialClass::FullChannels, full, shape, 30, |cells| cells.iter().map(|cell| cell % plane).collect()),
    );

    let skip = channels(json!({"skip_amount": 4, "unique_channel_indexes": 3, "indexes_corruption_pct": [100, 100]}));
    // Remainders 0 and 1 have 8 positions and so 6 starts, remainders 2 and 3 have 7 and 5.
    let counts =
        places(SpatialClass::Skip4, skip, shape, 24, |cells| vec![cells[0] % plane % 4 * 6 + cells[0] % plane / 4]);
    let weights: Vec<f64> = (0..24)
        .map(|i| {
            if i < 12 {
                1.0 / 6.0
            } else if i % 6 < 5 {
                0.2
            } else {
                0.0
            }
        })
        .collect();
    follows("skip_4", &counts, &weights);

    let alternated = json!({"block_size": 8, "min_block_skip": 2, "max_block_skip": 2});
    let channel = |cells: &[usize]| vec![cells[0] / plane];
    even("channels", &places(SpatialClass::SingleChannelAlternatedBlocks, alternated, shape, 4, channel));

    let random = places(SpatialClass::SingleChannelRandom, values("channel_corruption_pct"), shape, 4 * 29, |cells| {
        vec![cells[0] / plane * 29 + cells[0] % plane]
    });
    even("starts in channels", &random);

    let uncategorized = channels(
        json!({"avg_channel_corruption_pct": [0, 100], "min_errors_per_channel": 3, "max_errors_per_channel": 5}),
    );
    even(
        "uncategorized cells",
        &places(SpatialClass::MultipleChannelsUncategorized, uncategorized, shape, 30, |cells| {
            cells.iter().map(|cell| cell % plane).collect()
        }),
    );
}

#[test]
fn common_positions_of_spans_are_uniform() {
    let shape = Shape::new(5, 6, 4).unwrap();
    let spans = json!({
        "affected_channels_pct": [50, 50], "max_corrupted_channels": 9, "min_channel_skip": 1, "max_channel_skip": 1,
        "avg_span_corruption_pct": [0, 0], "min_span_width": 3, "max_span_width": 9,
    });
    // With a share of 0 the common position alone is left.
    let common = places(SpatialClass::ShatteredChannel, spans.clone(), shape, 30, |cells| vec![cells[0] % 30]);
    even("common positions", &common);
    let shared = places(SpatialClass::QuasiShatteredChannel, spans, shape, 30, |cells| {
        let times = |p: usize| cells.iter().filter(|cell| *cell % 30 == p).count();
        (0..30).filter(|&p| times(p) == 2).collect()
    });
    even("positions common to two", &shared);
}

#[test]
fn in_range_values_are_uniform_and_never_zero() {
    for (min, max) in [(-4.0f32, 12.0f32), (0.0, 1.0), (-1.0, 0.0), (1e-3, 1e3), (f32::MIN / 2.0, f32::MAX)] {
        let range = Range::new(min, max).unwrap();
        let mut rng = Streams::new("in range").site(0);
        let values: Vec<f32> = (0..100_000).map(|_| range.draw(ValueClass::InRange, &mut rng)).collect();
        assert!(values.iter().all(|value| *value != 0.0 && (min..=max).contains(value)));
        let width = f64::from(max) - f64::from(min);
        uniform(&format!("{min} to {max}"), values.iter().map(|v| (f64::from(*v) - f64::from(min)) / width).collect());
    }
}

#[test]
fn out_of_range_values_are_uniform_over_bit_patterns_and_never_inside() {
    for (min, max) in [(-4.0f32, 12.0f32), (0.0, 1.0), (1.0, 2.0), (-1e30, -1e-30), (-1e38, 3e38)] {
        let range = Range::new(min, max).unwrap();
        let mut rng = Streams::new("out of range").site(0);
        for class in [ValueClass::OutOfRange, ValueClass::Flip] {
            let mut values: Vec<f32> = (0..100_000).map(|_| range.draw(class, &mut rng)).collect();
            assert!(values.iter().all(|value| value.is_normal() && !(min..=max).contains(value)));
            // Normal numbers in ascending order, counted on both sides of the range.
            let rank = |x: f32| i64::from(x.abs().to_bits() as i32) * if x < 0.0 { -1 } else { 1 };
            let smallest = rank(f32::MIN_POSITIVE);
            let normals =
                |from: i64, to: i64| (to.min(-smallest) - from + 1).max(0) + (to - from.max(smallest) + 1).max(0);
            let below = normals(rank(f32::MIN), rank(min) - 1);
            let above = normals(rank(max) + 1, rank(f32::MAX));
            let place = |x: f32| match x < min {
                true => normals(rank(f32::MIN), rank(x)),
                false => below + normals(rank(max) + 1, rank(x)),
            };
            values.sort_by(f32::total_cmp);
            let total = (below + above) as f64;
            uniform(
                &format!("{class} of {min} to {max}"),
                values.iter().map(|&x| (place(x) as f64 - 0.5) / total).collect(),
            );
        }
    }
}

#[test]
fn single_bit_flips_are_uniform_over_cells_and_bits() {
    let shape = Shape::new(3, 4, 5).unwrap();
    let sampler = Sampler::single_bit_flip(shape, 5);
    let mut drawn = sampler.room();
    let (mut cells, mut bits) = ([0; 60], [0; 32]);
    for index in 0..40_000 {
        sampler.draw(index, &mut drawn);
        let (cell, class) = drawn.cells().next().unwrap();
        let Fault::Bit(bit) = cell.fault else { panic!("not a bit flip") };
        assert_eq!(class, None);
        cells[(cell.c * 3 + cell.h) * 4 + cell.w] += 1;
        bits[usize::from(bit)] += 1;
    }
    even("cells", &cells);
    even("bits", &bits);
}
