//! Spatial patterns: where the corrupted cells of a site lie.
//!
//! A class's parameters are checked in its `new` and struck where a tensor cannot hold them in its `fit`, so that its
//! `cells` cannot fail.

mod canvas;
mod choice;
mod fields;
mod fit;
mod parameters;
mod span;
mod spread;

pub mod bullet_wake;
pub mod full_channels;
pub mod multi_channel_block;
pub mod multiple_channels_uncategorized;
pub mod quasi_shattered_channel;
pub mod rectangles;
pub mod same_column;
pub mod same_row;
pub mod shattered_channel;
pub mod single;
pub mod single_block;
pub mod single_channel_alternated_blocks;
pub mod single_channel_random;
pub mod skip_4;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::rng::Rng;

use bullet_wake::BulletWake;
use full_channels::FullChannels;
use multi_channel_block::MultiChannelBlock;
use multiple_channels_uncategorized::MultipleChannelsUncategorized;
use quasi_shattered_channel::QuasiShatteredChannel;
use rectangles::Rectangles;
use same_column::SameColumn;
use same_row::SameRow;
use shattered_channel::ShatteredChannel;
use single::Single;
use single_block::SingleBlock;
use single_channel_alternated_blocks::SingleChannelAlternatedBlocks;
use single_channel_random::SingleChannelRandom;
use skip_4::Skip4;

pub use canvas::Canvas;
pub use choice::{Choice, Percent, Setting};
pub use fields::{Fields, Problem};
pub use fit::{Fit, Rows, Unfit};
pub use parameters::Parameters;

/// The shape that the corrupted cells of a site form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpatialClass {
    /// One cell.
    Single,
    /// Cells of one row of a channel.
    SameRow,
    /// Cells of one column of a channel.
    SameColumn,
    /// One position through several channels.
    BulletWake,
    /// Every fourth position.
    Skip4,
    /// A run of 16, 32 or 64 elements.
    SingleBlock,
    /// Blocks of one channel with others between them left alone.
    SingleChannelAlternatedBlocks,
    /// Most of whole channels.
    FullChannels,
    /// The same rectangle in one or more channels.
    Rectangles,
    /// Several channels, one position common to all.
    ShatteredChannel,
    /// Several channels, one position common to some.
    QuasiShatteredChannel,
    /// One channel, no further order.
    SingleChannelRandom,
    /// The same block in several channels.
    MultiChannelBlock,
    /// Several channels, no further order.
    MultipleChannelsUncategorized,
}

/// A text that names no spatial class.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not a spatial class: {names}", names = SpatialClass::ALL.map(SpatialClass::name).join(", "))]
pub struct SpatialClassError(String);

impl SpatialClass {
    /// All spatial classes.
    pub const ALL: [SpatialClass; 14] = [
        SpatialClass::Single,
        SpatialClass::SameRow,
        SpatialClass::SameColumn,
        SpatialClass::BulletWake,
        SpatialClass::Skip4,
        SpatialClass::SingleBlock,
        SpatialClass::SingleChannelAlternatedBlocks,
        SpatialClass::FullChannels,
        SpatialClass::Rectangles,
        SpatialClass::ShatteredChannel,
        SpatialClass::QuasiShatteredChannel,
        SpatialClass::SingleChannelRandom,
        SpatialClass::MultiChannelBlock,
        SpatialClass::MultipleChannelsUncategorized,
    ];

    /// The name in models and on lines.
    pub fn name(self) -> &'static str {
        match self {
            SpatialClass::Single => "single",
            SpatialClass::SameRow => "same_row",
            SpatialClass::SameColumn => "same_column",
            SpatialClass::BulletWake => "bullet_wake",
            SpatialClass::Skip4 => "skip_4",
            SpatialClass::SingleBlock => "single_block",
            SpatialClass::SingleChannelAlternatedBlocks => "single_channel_alternated_blocks",
            SpatialClass::FullChannels => "full_channels",
            SpatialClass::Rectangles => "rectangles",
            SpatialClass::ShatteredChannel => "shattered_channel",
            SpatialClass::QuasiShatteredChannel => "quasi_shattered_channel",
            SpatialClass::SingleChannelRandom => "single_channel_random",
            SpatialClass::MultiChannelBlock => "multi_channel_block",
            SpatialClass::MultipleChannelsUncategorized => "multiple_channels_uncategorized",
        }
    }
}

impl fmt::Display for SpatialClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SpatialClass {
    type Err = SpatialClassError;

    fn from_str(text: &str) -> Result<Self, SpatialClassError> {
        SpatialClass::ALL
            .into_iter()
            .find(|class| class.name() == text)
            .ok_or_else(|| SpatialClassError(text.to_owned()))
    }
}

/// A spatial class with one set of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Of [`SpatialClass::Single`].
    Single(Single),
    /// Of [`SpatialClass::SameRow`].
    SameRow(SameRow),
    /// Of [`SpatialClass::SameColumn`].
    SameColumn(SameColumn),
    /// Of [`SpatialClass::BulletWake`].
    BulletWake(BulletWake),
    /// Of [`SpatialClass::Skip4`].
    Skip4(Skip4),
    /// Of [`SpatialClass::SingleBlock`].
    SingleBlock(SingleBlock),
    /// Of [`SpatialClass::SingleChannelAlternatedBlocks`].
    SingleChannelAlternatedBlocks(SingleChannelAlternatedBlocks),
    /// Of [`SpatialClass::FullChannels`].
    FullChannels(FullChannels),
    /// Of [`SpatialClass::Rectangles`].
    Rectangles(Rectangles),
    /// Of [`SpatialClass::ShatteredChannel`].
    ShatteredChannel(ShatteredChannel),
    /// Of [`SpatialClass::QuasiShatteredChannel`].
    QuasiShatteredChannel(QuasiShatteredChannel),
    /// Of [`SpatialClass::SingleChannelRandom`].
    SingleChannelRandom(SingleChannelRandom),
    /// Of [`SpatialClass::MultiChannelBlock`].
    MultiChannelBlock(MultiChannelBlock),
    /// Of [`SpatialClass::MultipleChannelsUncategorized`].
    MultipleChannelsUncategorized(MultipleChannelsUncategorized),
}

impl Pattern {
    /// Reads the parameters of `class`; `None` where `fields` has noted problems.
    pub fn new(class: SpatialClass, fields: &mut Fields) -> Option<Self> {
        match class {
            SpatialClass::Single => Single::new(fields).map(Pattern::Single),
            SpatialClass::SameRow => SameRow::new(fields).map(Pattern::SameRow),
            SpatialClass::SameColumn => SameColumn::new(fields).map(Pattern::SameColumn),
            SpatialClass::BulletWake => BulletWake::new(fields).map(Pattern::BulletWake),
            SpatialClass::Skip4 => Skip4::new(fields).map(Pattern::Skip4),
            SpatialClass::SingleBlock => SingleBlock::new(fields).map(Pattern::SingleBlock),
            SpatialClass::SingleChannelAlternatedBlocks => {
                SingleChannelAlternatedBlocks::new(fields).map(Pattern::SingleChannelAlternatedBlocks)
            }
            SpatialClass::FullChannels => FullChannels::new(fields).map(Pattern::FullChannels),
            SpatialClass::Rectangles => Rectangles::new(fields).map(Pattern::Rectangles),
            SpatialClass::ShatteredChannel => ShatteredChannel::new(fields).map(Pattern::ShatteredChannel),
            SpatialClass::QuasiShatteredChannel => {
                QuasiShatteredChannel::new(fields).map(Pattern::QuasiShatteredChannel)
            }
            SpatialClass::SingleChannelRandom => SingleChannelRandom::new(fields).map(Pattern::SingleChannelRandom),
            SpatialClass::MultiChannelBlock => MultiChannelBlock::new(fields).map(Pattern::MultiChannelBlock),
            SpatialClass::MultipleChannelsUncategorized => {
                MultipleChannelsUncategorized::new(fields).map(Pattern::MultipleChannelsUncategorized)
            }
        }
    }

    /// The pattern as it can be drawn in a tensor; `None` where it cannot.
    pub fn fit(&self, fit: &mut Fit) -> Option<Fitted> {
        let fitted = match self {
            Pattern::Single(pattern) => pattern.fit(fit).map(Pattern::Single),
            Pattern::SameRow(pattern) => pattern.fit(fit).map(Pattern::SameRow),
            Pattern::SameColumn(pattern) => pattern.fit(fit).map(Pattern::SameColumn),
            Pattern::BulletWake(pattern) => pattern.fit(fit).map(Pattern::BulletWake),
            Pattern::Skip4(pattern) => pattern.fit(fit).map(Pattern::Skip4),
            Pattern::SingleBlock(pattern) => pattern.fit(fit).map(Pattern::SingleBlock),
            Pattern::SingleChannelAlternatedBlocks(pattern) => {
                pattern.fit(fit).map(Pattern::SingleChannelAlternatedBlocks)
            }
            Pattern::FullChannels(pattern) => pattern.fit(fit).map(Pattern::FullChannels),
            Pattern::Rectangles(pattern) => pattern.fit(fit).map(Pattern::Rectangles),
            Pattern::ShatteredChannel(pattern) => pattern.fit(fit).map(Pattern::ShatteredChannel),
            Pattern::QuasiShatteredChannel(pattern) => pattern.fit(fit).map(Pattern::QuasiShatteredChannel),
            Pattern::SingleChannelRandom(pattern) => pattern.fit(fit).map(Pattern::SingleChannelRandom),
            Pattern::MultiChannelBlock(pattern) => pattern.fit(fit).map(Pattern::MultiChannelBlock),
            Pattern::MultipleChannelsUncategorized(pattern) => {
                pattern.fit(fit).map(Pattern::MultipleChannelsUncategorized)
            }
        };
        fitted.map(Fitted)
    }
}

/// A pattern that can be drawn in the tensor it was fitted to, without fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted(Pattern);

impl Fitted {
    /// Draws the cells of one site. `canvas` must have the shape that the pattern was fitted to.
    pub fn cells(&self, rng: &mut Rng, canvas: &mut Canvas) {
        match &self.0 {
            Pattern::Single(pattern) => pattern.cells(rng, canvas),
            Pattern::SameRow(pattern) => pattern.cells(rng, canvas),
            Pattern::SameColumn(pattern) => pattern.cells(rng, canvas),
            Pattern::BulletWake(pattern) => pattern.cells(rng, canvas),
            Pattern::Skip4(pattern) => pattern.cells(rng, canvas),
            Pattern::SingleBlock(pattern) => pattern.cells(rng, canvas),
            Pattern::SingleChannelAlternatedBlocks(pattern) => pattern.cells(rng, canvas),
            Pattern::FullChannels(pattern) => pattern.cells(rng, canvas),
            Pattern::Rectangles(pattern) => pattern.cells(rng, canvas),
            Pattern::ShatteredChannel(pattern) => pattern.cells(rng, canvas),
            Pattern::QuasiShatteredChannel(pattern) => pattern.cells(rng, canvas),
            Pattern::SingleChannelRandom(pattern) => pattern.cells(rng, canvas),
            Pattern::MultiChannelBlock(pattern) => pattern.cells(rng, canvas),
            Pattern::MultipleChannelsUncategorized(pattern) => pattern.cells(rng, canvas),
        }
        // Rules that put their cells in another order are few and their sites small.
        if !canvas.cells.is_sorted() {
            canvas.cells.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests;
