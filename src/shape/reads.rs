//! What a layer says of the axes that it takes.

use super::axis::{Meaning, layout};
use super::rules::CallSite;
use super::settings::Settings;
use super::{Dims, format_of, spatial};
use crate::keras::classes::{Features, Rule, Wrapper};
use crate::layout::DataFormat;

/// What is said of the axes of one input; `None` where it may be anything.
pub(super) type Reads = Vec<Option<Meaning>>;

/// What is said of each input, as far as anything is.
pub(super) fn of(call: &CallSite, inputs: &[Option<Dims>]) -> Vec<Reads> {
    let Some(Some(first)) = inputs.first() else { return Vec::new() };
    layer(call.settings, first.len()).into_iter().collect()
}

fn layer(settings: Settings, rank: usize) -> Option<Reads> {
    let image = |rank: usize| -> Reads { layout(rank, settings.is_channels_first()).into_iter().map(Some).collect() };
    let steps = Some(Meaning::Place(None));
    match settings.rule() {
        Rule::Spatial(_, places) if spatial::takes_any_axis(settings, places) => None,
        Rule::Convolution(_, places) | Rule::Pooling(_, places) | Rule::Spatial(_, places) => {
            (places + 2 == rank).then(|| image(rank))
        }
        Rule::Features(Features::Dense) if rank > 2 => {
            let mut reads = vec![None; rank];
            reads[rank - 1] = Some(Meaning::Channels);
            Some(reads)
        }
        Rule::Features(Features::Embedding) => {
            Some((0..rank).map(|axis| if axis == 0 { Some(Meaning::Batch) } else { steps }).collect())
        }
        Rule::Recurrent(_) | Rule::Cells if rank == 3 => {
            Some(vec![Some(Meaning::Batch), steps, Some(Meaning::Channels)])
        }
        Rule::ConvolvingRecurrent(places) if places + 3 == rank => Some(in_steps(image(rank - 1))),
        Rule::Wrapper(Wrapper::EachStep) if rank > 2 => Some(in_steps(layer(settings.held()?, rank - 1)?)),
        Rule::Wrapper(Wrapper::Once | Wrapper::BothWays) => layer(settings.held()?, rank),
        Rule::Same if rank > 2 => {
            let format = format_of(settings.config)?;
            Some(layout(rank, format == DataFormat::ChannelsFirst).into_iter().map(Some).collect())
        }
        _ => None,
    }
}

/// With an axis of steps behind the batch.
fn in_steps(mut reads: Reads) -> Reads {
    reads.insert(1, Some(Meaning::Place(None)));
    reads
}
