//! Each spatial class keeps to its rule, whatever its parameters and the tensor: judged by the cells alone and the
//! parameters as they were drawn.

#[path = "rules/check.rs"]
mod check;

use classes_h5::error_model::Models;
use classes_h5::layout::Shape;
use classes_h5::pattern::{Canvas, Fields, Fit, Pattern, Rows, SpatialClass};
use classes_h5::rng::Streams;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

fn shape(h: usize, w: usize, c: usize) -> Shape {
    Shape::new(h, w, c).unwrap()
}

/// Draws `count` sites of a pattern, if it fits, and checks each; says whether it fits.
fn holds(class: SpatialClass, pattern: &Pattern, shape: Shape, rows: Rows, streams: &Streams, count: u64) -> bool {
    let Some(fitted) = pattern.fit(&mut Fit::new(shape, rows)) else { return false };
    let mut canvas = Canvas::new(shape);
    for index in 0..count {
        canvas.clear();
        fitted.cells(&mut streams.site(index), &mut canvas);
        let drawn = check::Drawn::new(shape, &canvas.cells, &canvas.parameters);
        if let Err(why) = check::rule(class, &drawn) {
            panic!("{class} in {shape}: {why}: {:?} {:?}", canvas.parameters, canvas.cells);
        }
        assert!(rows == Rows::All || !canvas.capped, "{class} in {shape}: capped among the fitting rows");
    }
    true
}

#[test]
fn every_parameter_set_that_ships_keeps_its_rule_in_every_shape_it_fits() {
    let shapes = [
        shape(1, 1, 1),
        shape(1, 1, 2),
        shape(1, 2, 3),
        shape(2, 1, 3),
        shape(3, 3, 1),
        shape(4, 4, 3),
        shape(5, 7, 16),
        shape(7, 7, 512),
        shape(13, 13, 2),
        shape(1, 100, 8),
        shape(28, 28, 64),
        shape(416, 416, 3),
    ];
    let streams = Streams::new("every parameter set");
    let mut sets = 0;
    for set in ["gpu-warp", "gpu-thread"] {
        let models = Models::new(set.as_ref());
        for operator in models.operators().unwrap() {
            for (_, class) in models.load(&operator).unwrap().classes().iter() {
                for (_, pattern) in class.patterns.iter() {
                    let fits = |shape, rows| {
                        // Large sites are many cells of the same kind.
                        let count = if Shape::cells(shape) > 100_000 { 2 } else { 10 };
                        holds(class.class, pattern, shape, rows, &streams, count)
                    };
                    let in_some = shapes.iter().filter(|&&shape| fits(shape, Rows::All)).count();
                    let _ = shapes.iter().filter(|&&shape| fits(shape, Rows::Fitting)).count();
                    assert!(in_some > 0, "{set}/{operator} {}", class.class);
                    sets += 1;
                }
            }
        }
    }
    assert_eq!(sets, 334);
}

/// A parameter's value, or a choice among some.
fn choice(value: impl Strategy<Value = Value> + Clone + 'static) -> BoxedStrategy<Value> {
    let choices = prop::collection::vec(value.clone(), 1..4).prop_map(|values| json!({ "RANDOM": values }));
    prop_oneof![2 => value, 1 => choices].boxed()
}

fn count(most: u32) -> BoxedStrategy<Value> {
    choice((1..=most).prop_map(|count| json!(count)))
}

fn percent() -> BoxedStrategy<Value> {
    choice((0..=100u32, 0..=100u32).prop_map(|(a, b)| json!([a.min(b), a.max(b)])))
}

/// Parameters under which names a class reads them.
fn parameters(class: SpatialClass) -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let spread =
        |pct, most, min, max, skip| vec![(pct, percent()), (most, count(40)), (min, count(skip)), (max, count(skip))];
    let channels =
        || spread("affected_channels_pct", "max_corrupted_channels", "min_channel_skip", "max_channel_skip", 5);
    let values = |pct| spread(pct, "max_cardinality", "min_value_skip", "max_value_skip", 12);
    let with = |mut more: Vec<_>| {
        more.extend(channels());
        more
    };
    match class {
        SpatialClass::Single => vec![],
        SpatialClass::SameRow => values("row_corruption_pct"),
        SpatialClass::SameColumn => values("col_corruption_pct"),
        SpatialClass::BulletWake => channels(),
        SpatialClass::Skip4 => with(vec![
            ("skip_amount", count(6)),
            ("unique_channel_indexes", count(40)),
            ("indexes_corruption_pct", percent()),
        ]),
        SpatialClass::SingleBlock => vec![("block_size", count(70)), ("block_corruption_pct", percent())],
        SpatialClass::SingleChannelAlternatedBlocks => {
            vec![("block_size", count(40)), ("min_block_skip", count(6)), ("max_block_skip", count(6))]
        }
        SpatialClass::FullChannels => with(vec![("avg_channel_corruption_pct", percent())]),
        SpatialClass::Rectangles => with(vec![
            ("rectangle_width", choice((0..8u32).prop_map(|n| json!(n)))),
            ("rectangle_height", choice((0..8u32).prop_map(|n| json!(n)))),
        ]),
        SpatialClass::ShatteredChannel | SpatialClass::QuasiShatteredChannel => with(vec![
            ("avg_span_corruption_pct", percent()),
            ("min_span_width", count(30)),
            ("max_span_width", count(30)),
        ]),
        SpatialClass::SingleChannelRandom => values("channel_corruption_pct"),
        SpatialClass::MultiChannelBlock => {
            with(vec![("block_size", count(70)), ("avg_block_corruption_pct", percent())])
        }
        SpatialClass::MultipleChannelsUncategorized => with(vec![
            ("avg_channel_corruption_pct", percent()),
            ("min_errors_per_channel", count(20)),
            ("max_errors_per_channel", count(20)),
        ]),
    }
}

/// A class with any parameters, in any order, in `keys` and `stats`.
fn any_set(class: SpatialClass) -> impl Strategy<Value = (Value, Value)> {
    let (names, values): (Vec<_>, Vec<_>) = parameters(class).into_iter().unzip();
    (values, any::<prop::sample::Index>(), Just(names).prop_shuffle()).prop_map(move |(values, cut, order)| {
        let (original, _): (Vec<_>, Vec<_>) = parameters(class).into_iter().unzip();
        let value = |name: &&str| values[original.iter().position(|there| there == name).unwrap()].clone();
        let part = |names: &[&str]| -> Value { names.iter().map(|name| ((*name).to_owned(), value(name))).collect() };
        let (keys, stats) = order.split_at(cut.index(order.len() + 1));
        (part(keys), part(stats))
    })
}

#[test]
fn any_parameters_keep_the_rule_in_any_shape() {
    for class in SpatialClass::ALL {
        let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
        let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
        let mut fitting = 0;
        let mut cases = proptest::test_runner::TestRunner::new_with_rng(config, rng);
        let fitting_of = std::cell::RefCell::new(&mut fitting);
        let strategy = (any_set(class), 1..20usize, 1..20usize, 1..40usize, any::<bool>(), any::<u32>());
        let result = cases.run(&strategy, |((keys, stats), h, w, c, all, seed)| {
            let mut problems = Vec::new();
            let fields = &mut Fields {
                keys: keys.as_object().unwrap(),
                stats: stats.as_object().unwrap(),
                pointer: "",
                problems: &mut problems,
            };
            let Some(pattern) = Pattern::new(class, fields) else {
                // All that can be wrong here: two fixed bounds upside down.
                prop_assert!(problems.iter().all(|problem| problem.reason.contains(" is more than ")), "{problems:?}");
                prop_assert!(!problems.is_empty());
                return Ok(());
            };
            prop_assert!(problems.is_empty());
            let rows = if all { Rows::All } else { Rows::Fitting };
            let streams = Streams::new(&format!("any parameters {seed}"));
            **fitting_of.borrow_mut() += u32::from(holds(class, &pattern, shape(h, w, c), rows, &streams, 8));
            Ok(())
        });
        if let Err(error) = result {
            panic!("{class}: {error}");
        }
        assert!(fitting > 100, "{class}: only {fitting} of 400 cases could be drawn");
    }
}
