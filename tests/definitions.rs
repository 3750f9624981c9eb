//! A site is what its name says: the closed loop of drawing and classifying.
//!
//! The definitions are written here a second time, plainly, so that the loop does not close on its own mistakes.

use std::collections::{BTreeMap, BTreeSet};

use classes_h5::classify::Classifier;
use classes_h5::draw::{Options, Sampler};
use classes_h5::error_model::Models;
use classes_h5::layout::Shape;
use classes_h5::pattern::{Rows, SpatialClass};
use classes_h5::rng::Streams;
use classes_h5::value::Range;

type Positions = BTreeSet<usize>;

fn block(indices: &Positions, plane: usize) -> Option<usize> {
    let span = indices.last()? - indices.first()?;
    let length = match indices.len() {
        11..=16 => 16,
        17..=32 => 32,
        33..=64 => 64,
        _ => return None,
    };
    (span <= length && length <= plane).then_some(length)
}

fn is_skip_4(all: &Positions) -> bool {
    let smallest = all.first().unwrap();
    let at_four = all.iter().filter(|p| (*p - smallest).is_multiple_of(4)).count();
    at_four >= 2 && all.len() - at_four <= 1
}

fn is_rectangles(all: &Positions, width: usize) -> bool {
    let rows: BTreeSet<_> = all.iter().map(|p| p / width).collect();
    let columns: BTreeSet<_> = all.iter().map(|p| p % width).collect();
    let height = rows.last().unwrap() - rows.first().unwrap() + 1;
    let breadth = columns.last().unwrap() - columns.first().unwrap() + 1;
    height >= 3 && breadth >= 3 && breadth < width && height * breadth - all.len() <= 2
}

fn is_alternated(only: &Positions, plane: usize) -> bool {
    let mut blocks: BTreeMap<usize, usize> = BTreeMap::new();
    only.iter().for_each(|p| *blocks.entry(p / 32).or_default() += 1);
    blocks.len() >= 2
        && blocks.keys().all(|block| !blocks.contains_key(&(block + 1)))
        && blocks.iter().all(|(block, &cells)| cells >= 16 || (block + 1) * 32 > plane)
}

fn is_multi_channel_block(channels: &BTreeMap<usize, Positions>, plane: usize) -> bool {
    let longest = channels.values().filter_map(|p| block(p, plane)).max();
    let Some(length) = longest else { return false };
    let from = channels.values().find(|p| block(p, plane) == longest).unwrap().first().unwrap();
    channels
        .values()
        .all(|p| p.first() >= Some(from) && *p.last().unwrap() <= from + length || block(p, plane).is_some())
}

fn plainly(shape: Shape, cells: &[u32]) -> SpatialClass {
    let plane = shape.plane();
    let cells: Positions = cells.iter().map(|&cell| cell as usize).collect();
    let mut channels: BTreeMap<usize, Positions> = BTreeMap::new();
    for cell in &cells {
        channels.entry(cell / plane).or_default().insert(cell % plane);
    }
    let all: Positions = channels.values().flatten().copied().collect();
    let alike =
        |number: fn(usize, usize) -> usize| all.iter().map(|&p| number(p, shape.w)).collect::<BTreeSet<_>>().len() == 1;
    let full = || channels.values().all(|p| 2 * p.len() > plane);
    let in_channels = |p: &usize| channels.values().filter(|positions| positions.contains(p)).count();
    if channels.len() == 1 {
        return match () {
            () if cells.len() == 1 => SpatialClass::Single,
            () if is_skip_4(&all) => SpatialClass::Skip4,
            () if block(&cells, plane).is_some() => SpatialClass::SingleBlock,
            () if is_alternated(&all, plane) => SpatialClass::SingleChannelAlternatedBlocks,
            () if alike(|p, width| p / width) => SpatialClass::SameRow,
            () if alike(|p, width| p % width) => SpatialClass::SameColumn,
            () if full() => SpatialClass::FullChannels,
            () if is_rectangles(&all, shape.w) => SpatialClass::Rectangles,
            () => SpatialClass::SingleChannelRandom,
        };
    }
    match () {
        () if is_skip_4(&all) => SpatialClass::Skip4,
        () if block(&cells, plane).is_some() => SpatialClass::SingleBlock,
        () if is_multi_channel_block(&channels, plane) => SpatialClass::MultiChannelBlock,
        () if all.len() == 1 => SpatialClass::BulletWake,
        () if full() => SpatialClass::FullChannels,
        () if is_rectangles(&all, shape.w) => SpatialClass::Rectangles,
        () if all.iter().any(|p| in_channels(p) == channels.len()) => SpatialClass::ShatteredChannel,
        () if all.iter().any(|p| in_channels(p) >= 2) => SpatialClass::QuasiShatteredChannel,
        () => SpatialClass::MultipleChannelsUncategorized,
    }
}

/// Draws `count` sites of every class of every model and says how many are as defined, by model and class.
fn closed_loop(shape: Shape, count: u64) -> Vec<(String, SpatialClass, u64)> {
    let mut loops = Vec::new();
    for set in ["gpu-warp", "gpu-thread"] {
        let models = Models::new(set.as_ref());
        for operator in models.operators().unwrap() {
            let model = models.load(&operator).unwrap();
            for (_, class) in model.classes().iter() {
                let options = Options {
                    range: Range::new(-1.0, 1.0).unwrap(),
                    rows: Rows::All,
                    spatial_class: Some(class.class),
                    value_class: None,
                };
                let Ok(sampler) = Sampler::new(&model, shape, &options, 1) else { continue };
                let mut drawn = sampler.room();
                let mut as_defined = 0;
                for index in 0..count {
                    sampler.draw(index, &mut drawn);
                    let pattern = drawn.pattern().unwrap();
                    assert_eq!(pattern.class, class.class);
                    assert_eq!(
                        pattern.as_defined,
                        plainly(shape, drawn.places()) == class.class,
                        "{set}/{operator} {} {index}: {:?}",
                        class.class,
                        drawn.places()
                    );
                    as_defined += u64::from(pattern.as_defined);
                }
                loops.push((format!("{set}/{operator}"), class.class, as_defined));
            }
        }
    }
    loops
}

#[test]
fn at_28x28x64_at_least_99_percent_of_every_class_are_as_defined() {
    let count = 300;
    let loops = closed_loop(Shape::new(28, 28, 64).unwrap(), count);
    assert_eq!(loops.len(), 108);
    let mut classes: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for (model, class, as_defined) in loops {
        // The worst is shattered_channel of gpu-warp/bias_add: two spans of 5 to 25 cells are blocks of their own more
        // often than not, and after 16 tries 2 % still are.
        assert!(as_defined * 100 >= count * 97, "{model} {class}: {as_defined} of {count}");
        let (all, of_all) = classes.entry(class).or_default();
        *all += as_defined;
        *of_all += count;
    }
    for (class, (as_defined, count)) in classes {
        assert!(as_defined * 100 >= count * 99, "{class}: {as_defined} of {count}");
    }
}

#[test]
fn on_small_tensors_each_site_is_marked_by_what_it_is() {
    for (h, w, c) in [(1, 1, 1), (2, 3, 4), (7, 7, 16), (1, 100, 8)] {
        let loops = closed_loop(Shape::new(h, w, c).unwrap(), 30);
        assert!(loops.iter().any(|(.., as_defined)| *as_defined > 0));
    }
}

#[test]
fn random_cells_are_classified_as_the_definitions_read() {
    let mut seen = BTreeSet::new();
    for (h, w, c) in [(1, 1, 1), (1, 2, 2), (3, 4, 2), (6, 6, 3), (9, 5, 4), (20, 20, 4)] {
        let shape = Shape::new(h, w, c).unwrap();
        let mut classifier = Classifier::new(shape);
        let streams = Streams::new("random cells");
        for index in 0..3000 {
            let rng = &mut streams.site(index);
            // Runs with holes: uniform cells alone would hardly ever be more than uncategorized.
            let mut cells = BTreeSet::new();
            for _ in 0..=rng.below(4) {
                let (start, step) = (rng.below(shape.cells() as u32), 1 + rng.below(5));
                let run = (0..=rng.below(40)).map(|i| start + i * step);
                cells.extend(run.filter(|&cell| cell < shape.cells() as u32 && rng.below(8) > 0));
                cells.insert(start);
            }
            let cells: Vec<u32> = cells.into_iter().collect();
            let class = classifier.class(&cells);
            assert_eq!(class, plainly(shape, &cells), "{shape} {cells:?}");
            seen.insert(class);
        }
    }
    assert!(seen.len() >= 12, "only {seen:?}");
}
