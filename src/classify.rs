//! The definitions of the spatial classes: which class a given set of corrupted cells is.
//!
//! The figures of the models come from classifying measured sites, the first definition that matches being the site's
//! class. So a drawn site is what its name says only if its class is the first to match here as well.

use crate::layout::Shape;
use crate::pattern::SpatialClass;

/// Classifies sites of one shape.
pub struct Classifier {
    shape: Shape,
    plane: u32,
    channels: Vec<Channel>,
    bits: Vec<u64>,
    conform: bool,
}

/// The cells of one channel: `cells[from..to]`, whose tensor indices begin at `base`.
#[derive(Clone, Copy)]
struct Channel {
    from: usize,
    to: usize,
    base: u32,
}

/// Lengths that a block can have.
const LENGTHS: [u32; 3] = [16, 32, 64];

impl Classifier {
    /// Classifies the cells of tensors of one shape.
    pub fn new(shape: Shape) -> Self {
        let plane = shape.plane() as u32;
        let bits = vec![0; shape.plane().div_ceil(64)];
        Classifier { shape, plane, channels: Vec::new(), bits, conform: false }
    }

    /// One that classifies as cnn-error-classifier does: it knows no columns, of equal blocks of several channels the one with
    /// the lowest position leads, and the other channels' blocks may be longer than a channel.
    pub fn conform(shape: Shape) -> Self {
        Classifier { conform: true, ..Classifier::new(shape) }
    }

    /// The class of a site. `cells` are tensor indices `c * H * W + h * W + w`, ascending, without repetition, at least
    /// one.
    pub fn class(&mut self, cells: &[u32]) -> SpatialClass {
        self.split(cells);
        if self.channels.len() == 1 { self.of_one(cells) } else { self.of_several(cells) }
    }

    fn of_one(&mut self, cells: &[u32]) -> SpatialClass {
        if cells.len() == 1 {
            SpatialClass::Single
        } else if self.is_skip_4(cells) {
            SpatialClass::Skip4
        } else if self.block(cells).is_some() {
            SpatialClass::SingleBlock
        } else if self.is_alternated_blocks(cells) {
            SpatialClass::SingleChannelAlternatedBlocks
        } else if self.all_alike(cells, |position, width| position / width) {
            SpatialClass::SameRow
        } else if !self.conform && self.all_alike(cells, |position, width| position % width) {
            SpatialClass::SameColumn
        } else if self.is_full_channels() {
            SpatialClass::FullChannels
        } else if self.is_rectangles(cells) {
            SpatialClass::Rectangles
        } else {
            SpatialClass::SingleChannelRandom
        }
    }

    fn of_several(&mut self, cells: &[u32]) -> SpatialClass {
        if self.is_skip_4(cells) {
            SpatialClass::Skip4
        } else if self.block(cells).is_some() {
            SpatialClass::SingleBlock
        } else if self.is_multi_channel_block(cells) {
            SpatialClass::MultiChannelBlock
        } else if self.is_bullet_wake(cells) {
            SpatialClass::BulletWake
        } else if self.is_full_channels() {
            SpatialClass::FullChannels
        } else if self.is_rectangles(cells) {
            SpatialClass::Rectangles
        } else if self.is_shattered(cells) {
            SpatialClass::ShatteredChannel
        } else if self.is_quasi_shattered(cells) {
            SpatialClass::QuasiShatteredChannel
        } else {
            SpatialClass::MultipleChannelsUncategorized
        }
    }

    fn split(&mut self, cells: &[u32]) {
        self.channels.clear();
        let mut from = 0;
        while let Some(first) = cells.get(from) {
            let base = first / self.plane * self.plane;
            let to = from + cells[from..].partition_point(|cell| cell - base < self.plane);
            self.channels.push(Channel { from, to, base });
            from = to;
        }
    }

    /// The positions of each channel, channel by channel.
    fn positions(&self, cells: &[u32]) -> impl Iterator<Item = impl Iterator<Item = u32>> {
        self.channels.iter().map(|c| cells[c.from..c.to].iter().map(|cell| cell - c.base))
    }

    /// Of the distinct positions, at least two lie at a multiple of 4 from the smallest (itself included), and at most
    /// one does not.
    fn is_skip_4(&self, cells: &[u32]) -> bool {
        let smallest = self.channels.iter().map(|c| cells[c.from] - c.base).min().unwrap_or(0);
        let (mut two, mut odd) = (false, None);
        for position in self.positions(cells).flatten() {
            if (position - smallest).is_multiple_of(4) {
                two |= position != smallest;
            } else if *odd.get_or_insert(position) != position {
                return false;
            }
        }
        two
    }

    /// The length of the block that ascending indices form: 16 for 11 to 16 indices within a span (last less first) of
    /// 16, likewise 32 and 64; no longer than a channel.
    fn block(&self, indices: &[u32]) -> Option<u32> {
        self.any_block(indices).filter(|&length| length <= self.plane)
    }

    /// The same, however long a channel is.
    fn any_block(&self, indices: &[u32]) -> Option<u32> {
        let (first, last) = (indices.first()?, indices.last()?);
        let count = indices.len() as u32;
        let length = LENGTHS.into_iter().find(|&length| count <= length)?;
        (count >= 11 && last - first <= length).then_some(length)
    }

    /// Aligned blocks of 32: at least two touched, no neighbours, each with at least 16 cells (a short last one less).
    fn is_alternated_blocks(&self, cells: &[u32]) -> bool {
        let Some(channel) = self.channels.first() else { return false };
        let block = |cell: u32| (cell - channel.base) / 32;
        let short = |touched: u32| touched * 32 + 32 > self.plane;
        let mut blocks = 0;
        let mut before = None;
        for run in cells.chunk_by(|&a, &b| block(a) == block(b)) {
            let touched = block(run[0]);
            let neighbours = before.is_some_and(|before| before + 1 == touched);
            if neighbours || run.len() < 16 && !short(touched) {
                return false;
            }
            before = Some(touched);
            blocks += 1;
        }
        blocks >= 2
    }

    /// Whether all positions give the same number.
    fn all_alike(&self, cells: &[u32], number: impl Fn(u32, u32) -> u32) -> bool {
        let width = self.shape.w as u32;
        let mut numbers = self.positions(cells).flatten().map(|position| number(position, width));
        let first = numbers.next();
        numbers.all(|number| Some(number) == first)
    }

    /// In every touched channel more than half of the cells.
    fn is_full_channels(&self) -> bool {
        self.channels.iter().all(|c| 2 * (c.to - c.from) > self.plane as usize)
    }

    /// Over all channels, the bounding box of the positions has at least three rows and three columns, does not run over
    /// the full width and lacks at most two cells.
    fn is_rectangles(&mut self, cells: &[u32]) -> bool {
        let width = self.shape.w as u32;
        let (mut top, mut bottom, mut left, mut right) = (u32::MAX, 0, u32::MAX, 0);
        for (c, positions) in self.channels.iter().zip(self.positions(cells)) {
            top = top.min((cells[c.from] - c.base) / width);
            bottom = bottom.max((cells[c.to - 1] - c.base) / width);
            for column in positions.map(|position| position % width) {
                left = left.min(column);
                right = right.max(column);
            }
            if left == 0 && right == width - 1 {
                return false;
            }
        }
        let (rows, columns) = (bottom - top + 1, right - left + 1);
        // Only a box that the cells could fill is worth a closer look.
        rows >= 3
            && columns >= 3
            && cells.len() as u64 + 2 >= u64::from(rows) * u64::from(columns)
            && self.distinct_positions(cells) + 2 >= rows * columns
    }

    fn distinct_positions(&mut self, cells: &[u32]) -> u32 {
        self.bits.fill(0);
        let mut bits = std::mem::take(&mut self.bits);
        for position in self.positions(cells).flatten() {
            bits[position as usize / 64] |= 1 << (position % 64);
        }
        self.bits = bits;
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    /// Some channel's positions form a block; with the longest such block (the earliest of equals) from b, L long, every
    /// other channel's positions lie in b..=b+L or form a block of their own.
    fn is_multi_channel_block(&self, cells: &[u32]) -> bool {
        let block = |c: &Channel| self.block(&cells[c.from..c.to]);
        let longest = self.channels.iter().filter_map(|c| block(c).map(|length| (length, c)));
        let first = |c: &Channel| cells[c.from] - c.base;
        let leads = |next: &(u32, &Channel), best: &(u32, &Channel)| {
            next.0 > best.0 || self.conform && next.0 == best.0 && first(next.1) < first(best.1)
        };
        let Some((length, c)) = longest.reduce(|best, next| if leads(&next, &best) { next } else { best }) else {
            return false;
        };
        let start = first(c);
        self.channels.iter().all(|c| {
            let last = cells[c.to - 1] - c.base;
            let is_block = || match self.conform {
                true => self.any_block(&cells[c.from..c.to]).is_some(),
                false => block(c).is_some(),
            };
            first(c) >= start && last <= start + length || is_block()
        })
    }

    /// One position, several channels.
    fn is_bullet_wake(&self, cells: &[u32]) -> bool {
        cells.len() == self.channels.len() && self.all_alike(cells, |position, _| position)
    }

    /// Some position is corrupted in every touched channel.
    fn is_shattered(&self, cells: &[u32]) -> bool {
        let Some(smallest) = self.channels.iter().min_by_key(|c| c.to - c.from) else { return false };
        let mut common: Vec<u32> = cells[smallest.from..smallest.to].iter().map(|cell| cell - smallest.base).collect();
        for mut positions in self.positions(cells) {
            let mut there = positions.next();
            common.retain(|&position| {
                while there.is_some_and(|there| there < position) {
                    there = positions.next();
                }
                there == Some(position)
            });
            if common.is_empty() {
                return false;
            }
        }
        true
    }

    /// Some position is corrupted in at least two channels.
    fn is_quasi_shattered(&mut self, cells: &[u32]) -> bool {
        (self.distinct_positions(cells) as usize) < cells.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: (usize, usize, usize) = (20, 20, 4);

    /// Cells as (channel, position).
    fn class(cells: impl IntoIterator<Item = (u32, u32)>) -> &'static str {
        class_in(SHAPE, cells)
    }

    fn class_in((h, w, c): (usize, usize, usize), cells: impl IntoIterator<Item = (u32, u32)>) -> &'static str {
        let shape = Shape::new(h, w, c).unwrap();
        let mut cells: Vec<u32> = cells.into_iter().map(|(c, p)| c * shape.plane() as u32 + p).collect();
        cells.sort_unstable();
        Classifier::new(shape).class(&cells).name()
    }

    fn in_channel(c: u32, positions: impl IntoIterator<Item = u32>) -> impl Iterator<Item = (u32, u32)> {
        positions.into_iter().map(move |p| (c, p))
    }

    #[test]
    fn one_cell_is_single() {
        assert_eq!(class([(3, 399)]), "single");
        assert_eq!(class_in((1, 1, 1), [(0, 0)]), "single");
    }

    #[test]
    fn skip_4_allows_one_position_that_is_off() {
        assert_eq!(class(in_channel(0, [5, 9, 17])), "skip_4");
        assert_eq!(class(in_channel(0, [5, 9, 17, 18])), "skip_4");
        assert_eq!(class(in_channel(0, [5, 9, 17, 18, 50])), "single_channel_random");
        // The smallest counts over all channels together, and the one that is off may be in several.
        assert_eq!(class([(0, 9), (1, 5), (0, 18), (2, 18)]), "skip_4");
        assert_eq!(class([(0, 9), (1, 9)]), "bullet_wake");
        assert_eq!(class([(0, 4), (1, 5), (2, 5)]), "quasi_shattered_channel");
    }

    #[test]
    fn a_block_has_11_to_64_cells_in_a_span_of_its_length() {
        assert_eq!(class(in_channel(0, 3..14)), "single_block");
        assert_eq!(class(in_channel(0, 23..33)), "same_row");
        // Eleven cells, the last 16 after the first, still a block; 17 after, no longer.
        assert_eq!(class(in_channel(0, (5..15).chain([21]))), "single_block");
        assert_eq!(class(in_channel(0, (15..25).chain([32]))), "single_channel_random");
        assert_eq!(class(in_channel(0, 7..71)), "single_block");
        assert_eq!(class(in_channel(0, 7..72)), "single_channel_random");
        // Across a border between channels it is still a run in the tensor.
        assert_eq!(class(in_channel(0, 390..400).chain(in_channel(1, 0..5))), "single_block");
        // No block is longer than a channel.
        assert_eq!(class_in((3, 5, 2), in_channel(0, 0..11)), "full_channels");
    }

    #[test]
    fn alternated_blocks_are_aligned_and_apart() {
        assert_eq!(class(in_channel(1, (0..32).chain(64..96))), "single_channel_alternated_blocks");
        assert_eq!(class(in_channel(1, (0..32).chain(64..80))), "single_channel_alternated_blocks");
        assert_eq!(class(in_channel(1, (0..32).chain(64..79))), "single_channel_random");
        assert_eq!(class(in_channel(1, (0..32).chain(63..96))), "single_channel_random");
        // Block 12 of a channel of 400 is short: 384..400.
        assert_eq!(class(in_channel(1, (0..32).chain([390]))), "single_channel_alternated_blocks");
    }

    #[test]
    fn rows_and_columns_are_told_apart() {
        assert_eq!(class(in_channel(2, [41, 42, 59])), "same_row");
        assert_eq!(class(in_channel(2, [41, 62, 63])), "single_channel_random");
        assert_eq!(class_in((20, 5, 1), in_channel(0, [1, 6, 16])), "same_column");
        assert_eq!(class_in((20, 5, 1), in_channel(0, [1, 21])), "skip_4");
    }

    #[test]
    fn full_channels_hold_more_than_half() {
        assert_eq!(class(in_channel(0, (0..402).step_by(2).chain([1]).filter(|p| *p < 400))), "full_channels");
        assert_eq!(class(in_channel(0, 0..200)), "single_channel_random");
        assert_eq!(class(in_channel(0, 0..201).chain(in_channel(3, 199..400))), "full_channels");
        assert_eq!(class(in_channel(0, 0..201).chain(in_channel(3, 0..200))), "shattered_channel");
    }

    fn rectangle(top: u32, left: u32, rows: u32, columns: u32) -> Vec<u32> {
        (top..top + rows).flat_map(|row| (left..left + columns).map(move |column| row * 20 + column)).collect()
    }

    #[test]
    fn a_rectangle_lacks_at_most_two_cells() {
        let whole = rectangle(2, 3, 9, 9);
        assert_eq!(class(in_channel(0, whole.iter().copied())), "rectangles");
        assert_eq!(class(in_channel(0, whole.iter().copied().skip(2))), "rectangles");
        let without = |n: usize| whole.iter().copied().filter(move |p| !whole_is(p, n)).collect::<Vec<_>>();
        fn whole_is(p: &u32, n: usize) -> bool {
            [64, 85, 106][..n].contains(p)
        }
        assert_eq!(class(in_channel(0, without(2))), "rectangles");
        assert_eq!(class(in_channel(0, without(3))), "single_channel_random");
        // What one channel lacks, another may hold.
        assert_eq!(class(in_channel(0, without(3)).chain(in_channel(1, [64, 85]))), "rectangles");
        assert_eq!(class(in_channel(0, rectangle(2, 0, 5, 20))), "single_channel_random");
        assert_eq!(class(in_channel(0, rectangle(2, 3, 9, 2))), "single_channel_random");
    }

    #[test]
    fn blocks_of_several_channels_lie_within_the_longest() {
        let two = |a: std::ops::Range<u32>, b: Vec<u32>| class(in_channel(0, a).chain(in_channel(2, b)));
        assert_eq!(two(32..48, (32..48).collect()), "multi_channel_block");
        assert_eq!(two(32..48, vec![33, 48]), "multi_channel_block");
        assert_eq!(two(32..48, vec![33, 49]), "shattered_channel");
        // Elsewhere, but a block of its own.
        assert_eq!(two(32..48, (100..111).collect()), "multi_channel_block");
        // The longest counts, not the first.
        assert_eq!(
            class(in_channel(0, 0..16).chain(in_channel(1, 0..32)).chain(in_channel(2, [32]))),
            "multi_channel_block"
        );
        // Of two as long, the first.
        assert_eq!(
            class(in_channel(0, 0..16).chain(in_channel(1, 100..116)).chain(in_channel(2, [101]))),
            "quasi_shattered_channel"
        );
    }

    #[test]
    fn common_positions_tell_the_rest_apart() {
        assert_eq!(class([(0, 7), (1, 7), (3, 7)]), "bullet_wake");
        assert_eq!(class([(0, 5), (0, 6), (1, 6), (1, 8), (2, 6), (2, 7)]), "shattered_channel");
        assert_eq!(class([(0, 5), (0, 6), (1, 6), (1, 8), (2, 3)]), "quasi_shattered_channel");
        assert_eq!(class([(0, 5), (0, 7), (1, 6), (1, 8), (2, 3)]), "multiple_channels_uncategorized");
    }
}
