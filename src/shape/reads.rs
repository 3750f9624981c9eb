//! What a layer says of the axes that it takes.

use super::axis::{Meaning, layout};
use super::rules::CallSite;
use super::settings::Settings;
use super::{Dims, convolution, format_of, pooling, preserving, spatial};
use crate::layout::DataFormat;

/// What is said of the axes of one input; `None` where it may be anything.
pub(super) type Reads = Vec<Option<Meaning>>;

/// What is said of each input, as far as anything is.
pub(super) fn of(call: &CallSite, inputs: &[Option<Dims>]) -> Vec<Reads> {
    let Some(Some(first)) = inputs.first() else { return Vec::new() };
    layer(call.settings, first.len()).into_iter().collect()
}

fn layer(settings: Settings, rank: usize) -> Option<Reads> {
    let all = |layout: Vec<Meaning>| layout.into_iter().map(Some).collect::<Reads>();
    let channels_first = settings.is_channels_first();
    let places = convolution::spatial_rank(settings.class)
        .or_else(|| pooling::spatial_rank(settings.class))
        .or_else(|| spatial::spatial_rank(settings.class));
    if let Some(places) = places {
        return (places + 2 == rank && !spatial::takes_any_axis(settings)).then(|| all(layout(rank, channels_first)));
    }
    let last = |meaning| {
        let mut reads = vec![None; rank];
        *reads.last_mut()? = Some(meaning);
        Some(reads)
    };
    match settings.class {
        "Resizing" | "CenterCrop" | "RandomCrop" | "RandomHeight" | "RandomWidth" if rank == 4 => {
            Some(all(layout(rank, channels_first)))
        }
        "Dense" if rank > 2 => last(Meaning::Channels),
        "Embedding" => {
            Some((0..rank).map(|axis| Some(if axis == 0 { Meaning::Batch } else { Meaning::Place(None) })).collect())
        }
        "LSTM" | "CuDNNLSTM" | "GRU" | "CuDNNGRU" | "SimpleRNN" | "RNN" if rank == 3 => {
            Some(vec![Some(Meaning::Batch), Some(Meaning::Place(None)), Some(Meaning::Channels)])
        }
        "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" if rank > 3 => Some(in_steps(all(layout(rank - 1, channels_first)))),
        "TimeDistributed" if rank > 2 => Some(in_steps(layer(settings.held()?, rank - 1)?)),
        "SpectralNormalization" | "Bidirectional" => layer(settings.held()?, rank),
        class if preserving::keeps_shape(class) && rank > 2 => {
            let format = format_of(settings.config)?;
            Some(all(layout(rank, format == DataFormat::ChannelsFirst)))
        }
        _ => None,
    }
}

/// With an axis of steps behind the batch.
fn in_steps(mut reads: Reads) -> Reads {
    reads.insert(1, Some(Meaning::Place(None)));
    reads
}
