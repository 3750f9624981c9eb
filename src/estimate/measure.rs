//! The parameters of one site, measured as the published figures were.

use crate::classify::Classifier;
use crate::layout::Shape;
use crate::pattern::SpatialClass;

/// No class has more keys.
pub(super) const KEYS: usize = 4;
/// No class has more stats.
pub(super) const STATS: usize = 5;

/// A spatial class and its parameters, in the order of [`SpatialClass::parameters`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub class: SpatialClass,
    /// A count, or the share that a percent is.
    pub keys: [Key; KEYS],
    pub stats: [u32; STATS],
}

/// The value of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    Count(u32),
    /// So many of so many.
    Share(u64, u64),
    /// So many of so many, as the mean of parts that are drawn apart, each so long.
    Mean(u64, u64, u64),
}

/// The cells of one channel, counted from its first, ascending.
struct Channel {
    number: u32,
    positions: Vec<u32>,
}

/// Measures sites of one shape.
pub(super) struct Meter {
    shape: Shape,
    classifier: Classifier,
    /// Whether to measure as cnn-error-classifier does, slips and all.
    conform: bool,
}

impl Meter {
    pub fn new(shape: Shape, conform: bool) -> Self {
        let classifier = if conform { Classifier::conform(shape) } else { Classifier::new(shape) };
        Meter { shape, classifier, conform }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Measures a site whose cells are tensor indices `c * H * W + h * W + w`, ascending, none twice, at least one.
    pub fn measure(&mut self, cells: &[u32]) -> Measured {
        let class = self.classifier.class(cells);
        let site = Site::new(self.shape, cells, self.conform);
        let mut measured = Measured { class, keys: [Key::Count(0); KEYS], stats: [0; STATS] };
        let keys = &mut measured.keys;
        match class {
            SpatialClass::Single => {}
            SpatialClass::SameRow => {
                keys[0] = site.along(|position, width| position % width, site.shape.w);
                measured.stats = site.values();
            }
            SpatialClass::SameColumn => {
                keys[0] = site.along(|position, width| position / width, site.shape.h);
                measured.stats = site.values();
                // The skips of a column are between its rows.
                let width = site.shape.w as u32;
                measured.stats[1] /= width;
                measured.stats[2] /= width;
            }
            SpatialClass::SingleChannelRandom => {
                keys[0] = Key::Share(site.count(), site.plane());
                measured.stats = site.values();
            }
            SpatialClass::BulletWake => {
                keys[0] = site.affected();
                measured.stats = site.channel_stats();
            }
            SpatialClass::Skip4 => {
                let (slots, share) = site.slots();
                let share = match share {
                    // A channel alone has all slots: where it is among the sites of a row, none may lose one.
                    Key::Share(share, of) if 10 * share > 9 * of => Key::Mean(share, of, u64::from(slots)),
                    share => share,
                };
                *keys = [Key::Count(4), Key::Count(slots), share, site.affected()];
                measured.stats = site.channel_stats();
            }
            SpatialClass::SingleBlock => {
                let length = block_length(cells.len()).unwrap_or(cells.len() as u32);
                keys[0] = Key::Count(length);
                keys[1] = Key::Share(site.count(), u64::from(length));
            }
            SpatialClass::SingleChannelAlternatedBlocks => {
                let (min, max) = site.block_skips();
                keys[..3].copy_from_slice(&[Key::Count(32), Key::Count(min), Key::Count(max)]);
                measured.stats[0] = self.shape.h.max(self.shape.w) as u32;
            }
            SpatialClass::FullChannels => {
                keys[0] = site.mean(site.plane());
                keys[1] = site.affected();
                measured.stats = site.channel_stats();
            }
            SpatialClass::Rectangles => {
                let (width, height) = site.rectangle();
                keys[..3].copy_from_slice(&[Key::Count(width), Key::Count(height), site.affected()]);
                measured.stats = site.channel_stats();
            }
            SpatialClass::ShatteredChannel | SpatialClass::QuasiShatteredChannel => {
                let (total, min, max) = site.spans(class == SpatialClass::ShatteredChannel);
                keys[0] = Key::Share(site.count(), total);
                keys[1] = site.affected();
                measured.stats = site.channel_stats();
                measured.stats[3..].copy_from_slice(&[min, max]);
            }
            SpatialClass::MultiChannelBlock => {
                let length = site.longest_block();
                keys[0] = Key::Count(length);
                keys[1] = site.mean(u64::from(length));
                keys[2] = site.affected();
                measured.stats = site.channel_stats();
            }
            SpatialClass::MultipleChannelsUncategorized => {
                keys[0] = site.mean(site.plane());
                keys[1] = site.affected();
                let [most, min_skip, max_skip, ..] = site.channel_stats();
                let errors = || site.channels.iter().map(|channel| channel.positions.len() as u32);
                let (least, greatest) = (errors().min().unwrap_or(1), errors().max().unwrap_or(1));
                measured.stats = [most, least, greatest, min_skip, max_skip];
            }
        }
        measured
    }
}

/// The length that a block of so many cells has.
fn block_length(cells: usize) -> Option<u32> {
    [16, 32, 64].into_iter().find(|&length| cells >= 11 && cells <= length as usize)
}

/// The least and the greatest distance between neighbours; 1 where there are none.
fn skips(numbers: impl Iterator<Item = u32> + Clone) -> (u32, u32) {
    let gaps = || numbers.clone().zip(numbers.clone().skip(1)).map(|(a, b)| b - a);
    (gaps().min().unwrap_or(1), gaps().max().unwrap_or(1))
}

struct Site {
    shape: Shape,
    channels: Vec<Channel>,
    conform: bool,
}

impl Site {
    fn new(shape: Shape, cells: &[u32], conform: bool) -> Self {
        let plane = shape.plane() as u32;
        let channel = |cells: &[u32]| {
            let number = cells[0] / plane;
            Channel { number, positions: cells.iter().map(|cell| cell - number * plane).collect() }
        };
        let channels = cells.chunk_by(|a, b| a / plane == b / plane).map(channel).collect();
        Site { shape, channels, conform }
    }

    fn count(&self) -> u64 {
        self.channels.iter().map(|channel| channel.positions.len() as u64).sum()
    }

    fn plane(&self) -> u64 {
        self.shape.plane() as u64
    }

    fn positions(&self) -> impl Iterator<Item = u32> {
        self.channels.iter().flat_map(|channel| channel.positions.iter().copied())
    }

    /// The share of the channels that are corrupted.
    fn affected(&self) -> Key {
        Key::Share(self.channels.len() as u64, self.shape.c as u64)
    }

    /// The mean share of parts of one length, one in each channel.
    fn mean(&self, each: u64) -> Key {
        Key::Mean(self.count(), each * self.channels.len() as u64, each)
    }

    /// How many channels are corrupted, and the distances between them.
    fn channel_stats(&self) -> [u32; STATS] {
        let (min, max) = skips(self.channels.iter().map(|channel| channel.number));
        [self.channels.len() as u32, min, max, 0, 0]
    }

    /// How many cells the only channel has, and the distances between them.
    fn values(&self) -> [u32; STATS] {
        let positions = self.channels.first().map_or(&[][..], |channel| &channel.positions);
        let (min, max) = skips(positions.iter().copied());
        [positions.len() as u32, min, max, 0, 0]
    }

    /// The share of a row or column; of its span from the first cell to the last, less one, as cnn-error-classifier has it.
    fn along(&self, place: impl Fn(u32, u32) -> u32, length: usize) -> Key {
        let width = self.shape.w as u32;
        let places = || self.positions().map(|position| place(position, width));
        let span = places().max().unwrap_or(0) - places().min().unwrap_or(0);
        Key::Share(self.count(), if self.conform { u64::from(span) } else { length as u64 })
    }

    /// Of the positions a multiple of 4 from the smallest: how many there are, and which share of them is corrupted in the
    /// channels. cnn-error-classifier counts the cells of all channels on the positions of one.
    fn slots(&self) -> (u32, Key) {
        let smallest = self.positions().min().unwrap_or(0);
        let is_slot = |position: &u32| (position - smallest).is_multiple_of(4);
        let mut slots: Vec<u32> = self.positions().filter(is_slot).collect();
        let cells = slots.len() as u64;
        slots.sort_unstable();
        slots.dedup();
        let count = slots.len() as u64;
        let share = match self.conform {
            true => Key::Share(self.count(), count),
            false => Key::Share(cells, count * self.channels.len() as u64),
        };
        (count as u32, share)
    }

    /// The distances between the blocks of 32 that are corrupted.
    fn block_skips(&self) -> (u32, u32) {
        let mut blocks: Vec<u32> = self.positions().map(|position| position / 32).collect();
        blocks.dedup();
        skips(blocks.into_iter())
    }

    /// Width and height of the box around all positions, last less first.
    fn rectangle(&self) -> (u32, u32) {
        let width = self.shape.w as u32;
        let apart = |place: fn(u32, u32) -> u32| {
            let places = || self.positions().map(|position| place(position, width));
            places().max().unwrap_or(0) - places().min().unwrap_or(0)
        };
        (apart(|position, width| position % width), apart(|position, width| position / width))
    }

    /// The width of the spans from the first to the last cell of each channel: their sum, the least and the greatest.
    ///
    /// cnn-error-classifier takes the first of shattered channels for what it has in common with all, and the widest for
    /// the least.
    fn spans(&self, is_shattered: bool) -> (u64, u32, u32) {
        let span = |positions: &[u32]| match positions {
            [] => 0,
            [first, .., last] => last - first + 1,
            [_] => 1,
        };
        let mut spans: Vec<u32> = self.channels.iter().map(|channel| span(&channel.positions)).collect();
        if self.conform && is_shattered {
            spans[0] = span(&self.common());
        }
        let (min, max) = (spans.iter().copied().min().unwrap_or(1), spans.iter().copied().max().unwrap_or(1));
        let total = spans.iter().map(|&span| u64::from(span)).sum();
        (total, if self.conform && is_shattered { max } else { min }, max)
    }

    /// The positions that are corrupted in every channel.
    fn common(&self) -> Vec<u32> {
        let mut channels = self.channels.iter();
        let mut common = channels.next().map_or_else(Vec::new, |channel| channel.positions.clone());
        for channel in channels {
            common.retain(|position| channel.positions.binary_search(position).is_ok());
        }
        common
    }

    /// The length of the longest block that a channel's positions form.
    fn longest_block(&self) -> u32 {
        let block = |channel: &Channel| {
            let length = block_length(channel.positions.len())?;
            let span = channel.positions.last()? - channel.positions.first()?;
            (span <= length && u64::from(length) <= self.plane()).then_some(length)
        };
        self.channels.iter().filter_map(block).max().unwrap_or(16)
    }
}
