//! `classes-sites`: injection sites, as lines of JSON or as NumPy files.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::process::ExitCode;

use classes_h5::cli::classes_config::ClassesConfig;
use classes_h5::cli::sites_args::Args;
use classes_h5::cli::{self, Failure, Speaker, notes};
use classes_h5::error_model::{self, Wanted};
use classes_h5::input::Input;
use classes_h5::json::Arrays;
use classes_h5::layout::{DataFormat, Shape};
use classes_h5::operator::Convolution;
use classes_h5::progress::Doing;
use classes_h5::sites::lines::{self, LineSource};
use classes_h5::sites::npy;
use classes_h5::sites::pass::{PassError, Rooms, Source};
use classes_h5::sites::run::{RangeFrom, Tally};
use classes_h5::target::Targets;
use classes_h5::{config, edit, ranges};

const TOOL: &str = "classes-sites";

fn main() -> ExitCode {
    cli::run(TOOL, sites)
}

fn sites(args: &Args, speaker: Speaker) -> Result<(), Failure> {
    if args.list_layers {
        let text = error_model::layers(&args.models())?;
        return cli::to_stdout(|out| out.write_all(text.as_bytes()));
    }
    if let Some(file) = &args.read {
        let input = Input::from_arg(Some(file));
        let read = LineSource::open(input.open_text("sites, one a line")?);
        let passed = read.and_then(|source| write(args, source, None, args.data_format.unwrap_or_default(), speaker));
        return passed.map(drop).map_err(|error| Failure::passing(Some(&input), error));
    }
    if args.list_operators && args.layer.is_none() {
        return list_operators(args, args.shape, None);
    }
    let say = |note| speaker.say(&notes::note(&note));
    let (mut request, mut format) = (args.request()?, args.data_format.unwrap_or_default());
    if let Some(name) = &args.layer {
        let input = Input::from_arg(args.config.as_deref());
        let progress = speaker.progress(Doing::Step("reading the config".to_owned()));
        let text = input.read_text("a model config")?;
        let document = cli::parse_json(&input, &text, &mut Arrays::default())?;
        let graph = config::read(&document).map_err(|error| Failure::in_input(&input, error))?;
        drop(progress);
        let (address, targets) = (edit::find(&graph, name)?, Targets::new(&graph));
        request.convolution = targets.convolution(&address);
        if args.list_operators {
            let shape = targets.shape(&address, targets.data_format(&address));
            return list_operators(args, request.shape.or(shape), request.convolution.as_ref());
        }
        request.of_layer(name, targets.target(&address), say)?;
        format = args.data_format.unwrap_or_else(|| targets.data_format(&address));
        if let (Some(file), Some(layer)) = (&args.ranges, graph.trail(&address).last()) {
            let file = Input::from_arg(Some(file));
            if file == Input::Stdin && input == Input::Stdin {
                return Err(Failure::usage("--ranges - and the config cannot both come from stdin"));
            }
            let text = file.read_text("a file of golden ranges")?;
            let measured = cli::parse_json(&file, &text, &mut Arrays::default())?;
            let measured = ranges::range_of(&measured, name, layer).map_err(|error| Failure::in_input(&file, error))?;
            request.range = RangeFrom::Measured(measured);
        }
    }
    // Which axis the channels are is not said by the shape.
    request.shape = request.shape.map(|shape| if args.shape.is_some() { shape.seen_as(format) } else { shape });
    if let Some(file) = &args.classes_config {
        let told = ClassesConfig::read(file, &ClassesConfig::missing_in(&request))?.fill(&mut request);
        told.iter().for_each(|words| speaker.say(words));
    }
    let drawing = request.drawing(say)?;
    let rooms = write(args, drawing.source(args.jobs()), Some(drawing.count), format, speaker)
        .map_err(|error| Failure::passing(None, error))?;
    notes::tally(&Tally::of_all(rooms)).iter().for_each(|words| speaker.say(words));
    Ok(())
}

/// Writes the sites of a source, as lines or as NumPy files.
fn write<S: Source>(
    args: &Args,
    source: S,
    count: Option<u64>,
    format: DataFormat,
    speaker: Speaker,
) -> Result<Rooms<S>, PassError> {
    match &args.npy {
        Some(folder) => npy::write(source, args.jobs(), folder, format, &speaker.progress(Doing::Sites(count))),
        None => lines::write(source, args.jobs(), cli::stdout(), &speaker.progress_of_lines(Doing::Sites(count))),
    }
}

/// What the set has: for a layer, where its shape and convolution are known.
fn list_operators(args: &Args, output: Option<Shape>, convolution: Option<&Convolution>) -> Result<(), Failure> {
    let named = args.measured_on.as_deref();
    let text = error_model::operators(&args.models(), &Wanted { output, convolution, named })?;
    cli::to_stdout(|out| out.write_all(text.as_bytes()))
}
