//! The rules of the spatial classes, read off the cells.

use std::collections::{BTreeMap, BTreeSet};

use classes_h5::layout::Shape;
use classes_h5::pattern::{Setting, SpatialClass};
use serde_json::Value;

/// The cells of a site by channel, and its parameters.
pub struct Drawn {
    shape: Shape,
    cells: Vec<usize>,
    channels: BTreeMap<usize, BTreeSet<usize>>,
    parameters: BTreeMap<&'static str, Value>,
}

type Checked = Result<(), String>;

fn ensure(holds: bool, why: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { Err(why.into()) }
}

/// `round(n * percent / 100)`, halves to even, in integers.
fn percent_of(n: usize, percent: f64) -> usize {
    let doubled = 2 * n * percent as usize;
    assert_eq!(percent.fract(), 0.0, "the parameters of this test are whole percents");
    let (whole, rest) = (doubled / 200, doubled % 200);
    whole + usize::from(rest > 100 || rest == 100 && whole % 2 == 1)
}

impl Drawn {
    pub fn new(shape: Shape, cells: &[u32], parameters: &[(&'static str, Setting)]) -> Self {
        let cells: Vec<usize> = cells.iter().map(|&cell| cell as usize).collect();
        let mut channels: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for cell in &cells {
            channels.entry(cell / shape.plane()).or_default().insert(cell % shape.plane());
        }
        let parameters = parameters.iter().map(|(name, setting)| (*name, serde_json::to_value(setting).unwrap()));
        Drawn { shape, cells, channels, parameters: parameters.collect() }
    }

    fn count(&self, name: &str) -> usize {
        self.parameters[name].as_u64().unwrap() as usize
    }

    /// The least and greatest count of `n` that a percent range stands for.
    fn range(&self, name: &str, n: usize) -> (usize, usize) {
        let end = |i: usize| percent_of(n, self.parameters[name][i].as_f64().unwrap());
        (end(0), end(1))
    }

    fn between(&self, what: &str, count: usize, (low, high): (usize, usize)) -> Checked {
        ensure(low <= count && count <= high, format!("{what}: {count} is not in {low}..={high}"))
    }

    /// Positions in `0..n` with the four parameters of a spread.
    fn spread(&self, positions: &[usize], n: usize, least: usize, names: [&str; 4]) -> Checked {
        let [pct, most, min, max] = names;
        let (most, min, max) = (self.count(most), self.count(min), self.count(max));
        let fits = |wanted: usize| wanted.min(most).max(least).min((n - 1) / min + 1);
        let (low, high) = self.range(pct, n);
        self.between("positions", positions.len(), (fits(low), fits(high)))?;
        for gap in positions.windows(2).map(|pair| pair[1] - pair[0]) {
            self.between("gap", gap, (min, max))?;
        }
        ensure(positions.last() < Some(&n), "a position beyond the end")
    }

    fn channels(&self, least: usize) -> Checked {
        let names = ["affected_channels_pct", "max_corrupted_channels", "min_channel_skip", "max_channel_skip"];
        let channels: Vec<_> = self.channels.keys().copied().collect();
        self.spread(&channels, self.shape.c, least, names)
    }

    fn values(&self, positions: impl Iterator<Item = usize>, n: usize, least: usize, pct: &str) -> Checked {
        ensure(self.channels.len() == 1, "several channels")?;
        let positions: Vec<_> = positions.collect();
        self.spread(&positions, n, least, [pct, "max_cardinality", "min_value_skip", "max_value_skip"])
    }

    /// The positions that all channels share, and those that at least two do.
    fn common(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let times = |p: &usize| self.channels.values().filter(|positions| positions.contains(p)).count();
        let all: BTreeSet<usize> = self.channels.values().flatten().copied().collect();
        let in_all = all.iter().filter(|p| times(p) == self.channels.len()).copied().collect();
        (in_all, all.iter().filter(|p| times(p) >= 2).copied().collect())
    }

    fn spans(&self, least: usize) -> Checked {
        self.channels(least)?;
        let plane = self.shape.plane();
        let widest = self.count("max_span_width").min(plane);
        let (narrow, wide) = (self.count("min_span_width").min(plane), widest);
        let (_, most) = self.range("avg_span_corruption_pct", wide);
        let (fewest, _) = self.range("avg_span_corruption_pct", narrow);
        for positions in self.channels.values() {
            let (first, last) = (positions.first().unwrap(), positions.last().unwrap());
            ensure(last - first < wide, "a span wider than the widest")?;
            // Where the common position falls in a span that must not hold it, one is missing.
            self.between("cells of a span", positions.len(), (fewest.saturating_sub(1).max(1), most.max(1)))?;
        }
        Ok(())
    }
}

/// Whether the cells keep to the rule of `class`.
pub fn rule(class: SpatialClass, drawn: &Drawn) -> Checked {
    let Drawn { shape, cells, channels, .. } = drawn;
    let (height, width, plane) = (shape.h, shape.w, shape.plane());
    ensure(!cells.is_empty(), "no cells")?;
    ensure(cells.windows(2).all(|pair| pair[0] < pair[1]), "cells not in order, or twice")?;
    ensure(cells.last() < Some(&shape.cells()), "a cell outside")?;
    let only = channels.values().next().unwrap();
    match class {
        SpatialClass::Single => ensure(cells.len() == 1, "several cells"),
        SpatialClass::SameRow => {
            ensure(only.iter().all(|p| p / width == only.first().unwrap() / width), "several rows")?;
            drawn.values(only.iter().map(|p| p % width), width, 2, "row_corruption_pct")
        }
        SpatialClass::SameColumn => {
            ensure(only.iter().all(|p| p % width == only.first().unwrap() % width), "several columns")?;
            drawn.values(only.iter().map(|p| p / width), height, 2, "col_corruption_pct")
        }
        SpatialClass::BulletWake => {
            ensure(channels.values().all(|positions| positions == only && positions.len() == 1), "not one position")?;
            drawn.channels(2)
        }
        SpatialClass::Skip4 => {
            let skip = drawn.count("skip_amount");
            let indexes = drawn.count("unique_channel_indexes");
            let all: BTreeSet<usize> = channels.values().flatten().copied().collect();
            ensure(all.iter().all(|p| p % skip == all.first().unwrap() % skip), "several remainders")?;
            ensure(all.last().unwrap() - all.first().unwrap() <= (indexes - 1) * skip, "too far apart")?;
            let there = (plane - 1 - all.first().unwrap() % skip) / skip + 1;
            // Some channels may have lost all of their candidates.
            let (_, most) = drawn.range("affected_channels_pct", shape.c);
            let most = most.min(drawn.count("max_corrupted_channels")).max(1);
            ensure(channels.len() <= most, "too many channels")?;
            let candidates = indexes.min(there) * most;
            let (_, most) = drawn.range("indexes_corruption_pct", candidates);
            ensure(cells.len() <= most.max(1), "too many cells")
        }
        SpatialClass::SingleBlock => {
            let size = drawn.count("block_size").min(shape.cells());
            ensure(cells.last().unwrap() - cells[0] < size, "longer than the block")?;
            let (low, high) = drawn.range("block_corruption_pct", size);
            drawn.between("cells", cells.len(), (low.max(1), high.max(1)))
        }
        SpatialClass::SingleChannelAlternatedBlocks => {
            ensure(channels.len() == 1, "several channels")?;
            let size = drawn.count("block_size");
            let (min, max) = (drawn.count("min_block_skip"), drawn.count("max_block_skip"));
            let blocks: BTreeSet<usize> = only.iter().map(|p| p / size).collect();
            let whole = |block: usize| (block * size..plane.min(block * size + size)).all(|p| only.contains(&p));
            ensure(blocks.iter().all(|&block| whole(block)), "a block that is not whole")?;
            ensure(blocks.first() == Some(&0), "not from the first block on")?;
            let blocks: Vec<_> = blocks.into_iter().collect();
            for skip in blocks.windows(2).map(|pair| pair[1] - pair[0]) {
                drawn.between("skip", skip, (min, max))?;
            }
            ensure(blocks.last().unwrap() + max >= plane.div_ceil(size), "not to the end")
        }
        SpatialClass::FullChannels => {
            drawn.channels(1)?;
            let (low, high) = drawn.range("avg_channel_corruption_pct", plane);
            channels.values().try_for_each(|p| drawn.between("cells", p.len(), (low.max(1), high.max(1))))
        }
        SpatialClass::Rectangles => {
            drawn.channels(1)?;
            ensure(channels.values().all(|positions| positions == only), "not the same in each channel")?;
            let (top, left) = (only.first().unwrap() / width, only.first().unwrap() % width);
            let (rows, columns) = (drawn.count("rectangle_height") + 1, drawn.count("rectangle_width") + 1);
            let cells =
                (top..top + rows).flat_map(|row| (left..left + columns).map(move |column| row * width + column));
            ensure(left + columns <= width, "wrapped around")?;
            ensure(cells.collect::<BTreeSet<_>>() == *only, "not a rectangle")
        }
        SpatialClass::ShatteredChannel => {
            ensure(!drawn.common().0.is_empty(), "no position common to all")?;
            drawn.spans(2)
        }
        SpatialClass::QuasiShatteredChannel => {
            let (in_all, in_two) = drawn.common();
            ensure(in_two.difference(&in_all).next().is_some(), "no position common to some and not to all")?;
            drawn.spans(3)
        }
        SpatialClass::SingleChannelRandom => drawn.values(only.iter().copied(), plane, 1, "channel_corruption_pct"),
        SpatialClass::MultiChannelBlock => {
            drawn.channels(2)?;
            let size = drawn.count("block_size");
            let block = only.first().unwrap() / size;
            let length = size.min(plane - block * size);
            ensure(length >= size.div_ceil(2) || plane < size, "a short last block")?;
            ensure(channels.values().flatten().all(|p| p / size == block), "several blocks")?;
            let (low, high) = drawn.range("avg_block_corruption_pct", length);
            let half = size.div_ceil(2).min(length);
            channels.values().try_for_each(|p| drawn.between("cells", p.len(), (low.max(half), high.max(half))))
        }
        SpatialClass::MultipleChannelsUncategorized => {
            drawn.channels(2)?;
            let bounds = (drawn.count("min_errors_per_channel"), drawn.count("max_errors_per_channel"));
            let kept = |count: usize| count.clamp(bounds.0, bounds.1).min(plane);
            let (low, high) = drawn.range("avg_channel_corruption_pct", plane);
            channels.values().try_for_each(|p| drawn.between("cells", p.len(), (kept(low), kept(high))))
        }
    }
}
