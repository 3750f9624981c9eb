//! The names of each class's parameters.

use super::SpatialClass;

/// The parameters of a class: what sets its rows apart, then what a row sums up. Model files call them `keys` and `stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The keys.
    pub keys: &'static [&'static str],
    /// The stats.
    pub stats: &'static [&'static str],
}

const CHANNELS: &[&str] = &["max_corrupted_channels", "min_channel_skip", "max_channel_skip"];
const VALUES: &[&str] = &["max_cardinality", "min_value_skip", "max_value_skip"];
const SPANS: &[&str] =
    &["max_corrupted_channels", "min_channel_skip", "max_channel_skip", "min_span_width", "max_span_width"];
const ERRORS: &[&str] = &[
    "max_corrupted_channels",
    "min_errors_per_channel",
    "max_errors_per_channel",
    "min_channel_skip",
    "max_channel_skip",
];

impl SpatialClass {
    /// The class's parameters, in the order of the published models.
    pub fn parameters(self) -> Parameters {
        let (keys, stats): (&[&str], &[&str]) = match self {
            SpatialClass::Single => (&[], &[]),
            SpatialClass::SameRow => (&["row_corruption_pct"], VALUES),
            SpatialClass::SameColumn => (&["col_corruption_pct"], VALUES),
            SpatialClass::SingleChannelRandom => (&["channel_corruption_pct"], VALUES),
            SpatialClass::BulletWake => (&["affected_channels_pct"], CHANNELS),
            SpatialClass::Skip4 => (
                &["skip_amount", "unique_channel_indexes", "indexes_corruption_pct", "affected_channels_pct"],
                CHANNELS,
            ),
            SpatialClass::SingleBlock => (&["block_size", "block_corruption_pct"], &[]),
            SpatialClass::SingleChannelAlternatedBlocks => {
                (&["block_size", "min_block_skip", "max_block_skip"], &["max_feature_map_size"])
            }
            SpatialClass::FullChannels => (&["avg_channel_corruption_pct", "affected_channels_pct"], CHANNELS),
            SpatialClass::Rectangles => (&["rectangle_width", "rectangle_height", "affected_channels_pct"], CHANNELS),
            SpatialClass::ShatteredChannel | SpatialClass::QuasiShatteredChannel => {
                (&["avg_span_corruption_pct", "affected_channels_pct"], SPANS)
            }
            SpatialClass::MultiChannelBlock => {
                (&["block_size", "avg_block_corruption_pct", "affected_channels_pct"], CHANNELS)
            }
            SpatialClass::MultipleChannelsUncategorized => {
                (&["avg_channel_corruption_pct", "affected_channels_pct"], ERRORS)
            }
        };
        Parameters { keys, stats }
    }
}
