//! Recurrent layers.

use super::Dims;
use super::convolution;
use super::settings::Settings;

/// The outputs of a recurrent layer: its sequence or its last step, then the states where it returns them.
pub(super) fn outputs(settings: Settings, input: &Dims) -> Option<Vec<Dims>> {
    match settings.class {
        "Bidirectional" => bidirectional(settings, input),
        _ => one_way(settings, input),
    }
}

fn one_way(settings: Settings, input: &Dims) -> Option<Vec<Dims>> {
    let (&[batch, steps], features) = input.split_first_chunk()?;
    if settings.flag("time_major") {
        return None;
    }
    let (step, states) = match settings.class {
        "LSTM" | "CuDNNLSTM" | "GRU" | "CuDNNGRU" | "SimpleRNN" if features.len() == 1 => {
            let states = if settings.class.ends_with("LSTM") { 2 } else { 1 };
            (vec![batch, Some(settings.size(&["units", "output_dim"])?)], states)
        }
        "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" => {
            let class =
                ["Conv1D", "Conv2D", "Conv3D"].into_iter().find(|class| class.ends_with(&settings.class[8..]))?;
            let convolution = Settings { class, config: settings.config };
            (convolution::output(convolution, &[&[batch], features].concat())?, 2)
        }
        _ => return None,
    };
    let mut output = step.clone();
    if settings.flag("return_sequences") {
        output.insert(1, steps);
    }
    let states = if settings.flag("return_state") { states } else { 0 };
    Some([vec![output], vec![step; states]].concat())
}

fn bidirectional(settings: Settings, input: &Dims) -> Option<Vec<Dims>> {
    let held = settings.get("layer")?;
    let held = Settings { class: held.get("class_name")?.as_str()?, config: held.get("config")? };
    let forward = one_way(held, input)?;
    let (output, states) = forward.split_first()?;
    let outputs = match settings.text(&["merge_mode"]) {
        Some("concat") => {
            let mut both = output.clone();
            // ConvLSTM in channels_first is concatenated along its last axis all the same.
            let last = both.last_mut()?;
            *last = last.map_or(Some(None), |size| size.checked_mul(2).map(Some))?;
            vec![both]
        }
        Some("sum" | "mul" | "ave") => vec![output.clone()],
        None => vec![output.clone(), output.clone()],
        Some(_) => return None,
    };
    Some([outputs.as_slice(), states, states].concat())
}
