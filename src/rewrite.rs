//! The last step of the pipe: a model, a patch or a config, and sites become the model that misbehaves.

mod error;
mod sites;
mod training;

use std::path::PathBuf;

use serde_json::Value;

pub use error::RewriteError;
pub use sites::{SiteFiles, SiteSource, SitesError};

use crate::config;
use crate::fill::{self, Filling, Simulator};
use crate::graph::{Address, Graph, Wire};
use crate::json::{self, Arrays};
use crate::keras::classes::Kind;
use crate::keras::version::{ArchiveForm, Keras};
use crate::layout::DataFormat;
use crate::model_file::{Edit, Matching, ModelFile, ModelFileError, Output, TRAINING};
use crate::patch;
use crate::progress::Progress;
use crate::sites::packed::Packed;
use crate::target::Targets;
use crate::text::shown_path;
use crate::weights::{self, ArchiveCircumstances, Circumstances, Stated};

/// What a config holds of how its model was compiled, in an archive.
const COMPILED: &str = "compile_config";

/// What to write, and how.
#[derive(Debug)]
pub struct RewriteOptions {
    /// The model that everything is taken from. Never written to.
    pub model: PathBuf,
    /// The new file.
    pub out: PathBuf,
    /// The sites, for each simulator that awaits some.
    pub sites: Vec<SiteSource>,
    /// The Keras that will load the file; else the one that wrote MODEL.
    pub keras: Option<Keras>,
    /// What trains of layers that do not tell.
    pub stated: Stated,
    /// The order of the axes of the arrays; else that of the layers before the simulator.
    pub data_format: Option<DataFormat>,
    /// Write the corrupted cells only.
    pub sparse: bool,
    /// Make the folder of `out` where it is missing.
    pub makes_folder: bool,
    /// Do everything but write.
    pub check: bool,
    /// Replace a file that is there.
    pub force: bool,
    /// Wait until the file is on the disk.
    pub sync: bool,
}

/// What was done, for the user to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The Keras that the file is for.
    pub keras: Keras,
    /// The version that MODEL says it was written by, where the Keras was not chosen.
    pub written_by: Option<String>,
    /// The Kerases that the file could be for instead: none for an archive.
    pub others: Vec<Keras>,
    /// Each simulator with the number of sites it got.
    pub filled: Vec<(String, usize)>,
    /// Each simulator whose sites say that they were drawn for other layers: what it follows, and those.
    pub drawn_for_others: Vec<(String, String, Vec<String>)>,
    /// Each simulator with sites in a tensor of another rank than 4.
    pub no_images: Vec<String>,
    /// How many simulators the model has in all.
    pub simulators: usize,
    /// Placeholders stood without quotes.
    pub bare_placeholders: bool,
    /// Each output of several that is called otherwise now: its old name and its new one.
    pub renamed_outputs: Vec<(String, String)>,
    /// The training configuration kept something by those names, and keeps it by the new ones now.
    pub training_follows: bool,
}

/// Writes the new file; `input` is the text of a patch (a JSON array, applied to MODEL's own config) or of a config.
/// `progress` hears what is under way.
pub fn run(input: String, options: &RewriteOptions, progress: &Progress) -> Result<Report, RewriteError> {
    progress.step(format!("reading {}", shown_path(&options.model)));
    let model = ModelFile::open(&options.model)?;
    let RewriteOptions { out: path, makes_folder, force, sync, .. } = options;
    let output = Output { path, makes_folder: *makes_folder, force: *force, sync: *sync };
    output.refuse_bad(&model)?;
    let (edit, report) = edit(&model, &input, options, progress)?;
    // HDF5 takes three times the memory of the config to write it, so all else goes first.
    drop(input);
    if !options.check {
        progress.step(format!("writing {}", shown_path(&options.out)));
        model.write(&output, edit)?;
    }
    Ok(report)
}

/// What changes in the new file.
fn edit(
    model: &ModelFile,
    input: &str,
    options: &RewriteOptions,
    progress: &Progress,
) -> Result<(Edit, Report), RewriteError> {
    let old_text = model.config()?;
    let mut arrays = Arrays::default();
    let old = json::parse_saved(&old_text, &mut arrays)
        .map_err(|error| RewriteError::ModelJson { path: options.model.clone(), error })?;
    let old_graph =
        config::read(&old.value).map_err(|error| RewriteError::ModelConfig { path: options.model.clone(), error })?;

    let input = json::parse(input, &mut arrays).map_err(RewriteError::InputJson)?;
    let mut document = match input.value {
        Value::Array(_) => {
            let mut document = old.value.clone();
            patch::apply(&mut document, &patch::from_value(input.value)?, &arrays)?;
            document
        }
        Value::Object(_) => input.value,
        _ => return Err(RewriteError::NeitherPatchNorConfig),
    };
    let graph = config::read(&document).map_err(RewriteError::NewConfig)?;
    let simulators = fill::simulators(&graph);

    let written_by = model.keras_version();
    let writer = config::writer(written_by.as_deref(), &old_graph);
    let keras = options.keras.unwrap_or(writer);
    if model.is_folder() && !writer.loads_folders() {
        return Err(RewriteError::FolderOfKeras2);
    }
    if !keras.loads_what(writer) {
        return Err(RewriteError::NewerConfig);
    }
    if keras != writer
        && let Some((layer, nested)) = output_not_found(&graph)
    {
        return Err(RewriteError::NestedConfig { layer, nested });
    }
    let stated = &options.stated;
    let edit = match model.matching() {
        Matching::ByPosition => {
            let given = Circumstances { saved: &model.saved()?, writer, keras, stated };
            Edit { weights: weights::plan(&old_graph, &graph, given)?, ..Edit::default() }
        }
        Matching::ByPlace if keras != writer => return Err(RewriteError::OtherKeras { writer }),
        Matching::ByPlace => {
            let optimizer = old.value.get(COMPILED).and_then(|compiled| compiled.get("optimizer"));
            let form = written_by.as_deref().map_or(ArchiveForm::Today, ArchiveForm::of_version);
            let given = ArchiveCircumstances { keras, form, stated, optimizer };
            let tree = || model.tree().map_err(RewriteError::from);
            Edit { tree: weights::plan_archive(&old_graph, &graph, given, tree)?, ..Edit::default() }
        }
    };

    let names = |document, graph, keras| training::Named { document, graph, keras };
    let names = training::output_names(&names(&old.value, &old_graph, writer), &names(&document, &graph, keras));
    // An archive's config says itself how the model was compiled.
    let compiled = document.get(COMPILED).and_then(|compiled| training::with_names(compiled, &names));
    let training = if compiled.is_some() { None } else { training(model, &names)? };
    let training_follows = compiled.is_some() || training.is_some();

    progress.step("reading the sites");
    let filled = read_sites(&graph, &simulators, options)?;
    let report = Report {
        keras,
        others: match model.matching() {
            Matching::ByPosition => keras.others_that_load_its_files().collect(),
            Matching::ByPlace => Vec::new(),
        },
        drawn_for_others: filled
            .iter()
            .filter(|filled| !filled.others.is_empty())
            .map(|filled| (filled.simulator.path.clone(), filled.follows.clone(), filled.others.clone()))
            .collect(),
        written_by: written_by.filter(|_| options.keras.is_none()),
        filled: filled.iter().map(|filled| (filled.simulator.path.clone(), filled.sites.len())).collect(),
        no_images: filled
            .iter()
            .filter(|filled| !filled.sites.shape().is_image())
            .map(|filled| filled.simulator.path.clone())
            .collect(),
        simulators: simulators.len(),
        bare_placeholders: input.bare_placeholders,
        training_follows,
        renamed_outputs: match names.len() > 1 || training_follows {
            true => names.into_iter().filter(|(old, new)| old != new).collect(),
            false => Vec::new(),
        },
    };
    progress.step("filling the simulators");
    let fillings: Vec<Filling> = filled
        .iter()
        .map(|filled| Filling { config_at: &filled.simulator.config_at, sites: &filled.sites, sparse: options.sparse })
        .collect();
    drop(graph);
    if let (Some(compiled), Some(fields)) = (compiled, document.as_object_mut()) {
        fields.insert(COMPILED.to_owned(), compiled);
    }
    let config = fill::text(document, &arrays, &fillings, model.config_limit())?;
    Ok((Edit { config, training, ..edit }, report))
}

/// The training configuration, where the outputs' new names change it.
fn training(model: &ModelFile, names: &[(String, String)]) -> Result<Option<Vec<u8>>, RewriteError> {
    if names.iter().all(|(old, new)| old == new) {
        return Ok(None);
    }
    let text = match model.attribute(TRAINING) {
        Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
        Err(ModelFileError::NoAttribute { .. } | ModelFileError::NotText { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(training::renamed(&text, names, model.config_limit())?)
}

/// A simulator with the sites that it shall play.
struct Filled<'s> {
    simulator: &'s Simulator,
    sites: Packed,
    /// The layer whose output it corrupts.
    follows: String,
    /// Other layers that some of the sites were drawn for.
    others: Vec<String>,
}

/// The layer whose output a simulator corrupts, whatever other simulators stand between.
fn followed(graph: &Graph, address: &Address) -> String {
    let level = graph.level(address);
    let mut at = address.clone();
    for _ in 0..=level.layers.len() {
        let Some(layer) = at.0.last().map(|&index| &level.layers[index]) else { break };
        let input = layer.calls.first().and_then(|call| call.inputs.first());
        let (Kind::Simulator, Some(input)) = (layer.kind, input) else { break };
        at.0.pop();
        at.0.push(input.source.layer);
    }
    graph.path(&at)
}

/// The simulator of that path, else the one of that bare name.
fn named(open: &[&Simulator], name: &str) -> Result<Option<usize>, RewriteError> {
    if let Some(index) = open.iter().position(|simulator| simulator.path == name) {
        return Ok(Some(index));
    }
    let suffix = format!("/{name}");
    let found: Vec<usize> = (0..open.len()).filter(|&index| open[index].path.ends_with(&suffix)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [index] => Ok(Some(*index)),
        several => {
            Err(RewriteError::WhichSimulator { open: several.iter().map(|&index| open[index].path.clone()).collect() })
        }
    }
}

/// Brings together the simulators that await sites and the sites there are.
fn read_sites<'s>(
    graph: &Graph,
    simulators: &'s [Simulator],
    options: &RewriteOptions,
) -> Result<Vec<Filled<'s>>, RewriteError> {
    let open: Vec<&Simulator> = simulators.iter().filter(|simulator| simulator.is_open).collect();
    let names =
        |simulators: &[&Simulator]| simulators.iter().map(|simulator| simulator.path.clone()).collect::<Vec<_>>();
    let mut given: Vec<Option<&SiteFiles>> = vec![None; open.len()];
    for source in &options.sites {
        let index = match &source.simulator {
            Some(name) => named(&open, name)?,
            None if open.len() > 1 => return Err(RewriteError::WhichSimulator { open: names(&open) }),
            None => (!open.is_empty()).then_some(0),
        };
        let Some(index) = index else {
            return Err(RewriteError::NoPlaceholder { simulator: source.simulator.clone(), open: names(&open) });
        };
        if given[index].replace(&source.files).is_some() {
            return Err(RewriteError::TwoSources { simulator: open[index].path.clone() });
        }
    }
    let targets = Targets::new(graph);
    let mut filled = Vec::with_capacity(open.len());
    for (simulator, files) in open.iter().zip(given) {
        let Some(files) = files else {
            return Err(RewriteError::NoSites { simulator: simulator.path.clone() });
        };
        let data_format = options.data_format.unwrap_or_else(|| targets.data_format(&simulator.address));
        let (sites, drawn_for) = files.read(data_format)?;
        let found = sites.shape();
        let shapes = targets.shapes(&simulator.address, data_format);
        if let Some(&expected) = shapes.iter().find(|&&expected| expected != found) {
            let simulator = simulator.path.clone();
            return Err(match shapes.len() {
                1 => RewriteError::OtherShape { simulator, expected: expected.into(), found: found.into() },
                _ => RewriteError::SeveralShapes { simulator, shapes },
            });
        }
        let follows = followed(graph, &simulator.address);
        let others = drawn_for.into_iter().filter(|layer| *layer != follows).collect();
        filled.push(Filled { simulator, sites, follows, others });
    }
    Ok(filled)
}

/// A layer that takes the output of a nested model, and that model, by their paths. Keras 2 counts the making of a nested model as
/// its first call; Keras 3 does not, and looks behind its last.
fn output_not_found(root: &Graph) -> Option<(String, String)> {
    root.walk().into_iter().find_map(|address| {
        let level = root.level(&address);
        let (layer, outer) = address.0.split_last()?;
        let mut inputs = level.layers[*layer].calls.iter().flat_map(|call| &call.inputs);
        let is_counted = |wire: &&Wire| wire.at.is_some() && level.layers[wire.source.layer].node_base.in_nodes > 0;
        let nested = Address([outer, &[inputs.find(is_counted)?.source.layer]].concat());
        Some((root.path(&address), root.path(&nested)))
    })
}
