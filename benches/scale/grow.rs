//! Converging a fleet: every model is passed over from nothing until nothing is left to do, in a
//! world with scripted training. What it ends in is written down for the measures: the repository,
//! and the world as the local SageMaker keeps it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use trueup::clock::{SignedDuration, Timestamp};
use trueup::config::installation::Installation;
use trueup::config::load_installation;
use trueup::resource::canonical::sha256;
use trueup::snapshot::{self, Mode, ObjectId, Snapshot};
use trueup::world::{Pace, World};

use super::figures::{Figure, Figures};
use super::files::{self, Files};
use super::jobs::work_off;
use super::model::Model;
use super::repository;
use super::tally::Tally;

/// Models that are converged beside each other: what is compiled of them is in memory meanwhile.
const BATCH: usize = 250;
/// Passes over a model until it must be settled.
const ROUNDS_MAX: usize = 60;
/// Between two passes.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// The format in which the local SageMaker keeps a world.
const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
struct State<W> {
    format: u32,
    world: W,
}

/// Converges a fleet into `folder`.
pub(crate) fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let start = Instant::now();
    let mut fleet = files::shared();
    let installation = load_installation(&snapshot_of(&fleet)).0;
    let installation = installation.expect("the example's trueup.yaml is sound");
    let mut world = World::new(Pace::simulated());
    let mut now = "2026-11-02T09:00:00Z".parse().expect("a date");
    let (mut tally, common) = (Tally::default(), files::common());
    let numbers: Vec<_> = (0..models).collect();
    for batch in numbers.chunks(BATCH) {
        let mut batch: Vec<_> = batch
            .iter()
            .map(|number| Seedling::new(&installation, *number, &common, &fleet))
            .collect();
        now = converge(&mut batch, &installation, (&mut world, now), &mut tally);
        fleet.extend(batch.into_iter().flat_map(|one| one.files));
    }
    let converged = start.elapsed();
    repository::create(&repository::path(folder), &fleet);
    save(folder, &world);
    let mut figures = Figures::new("grow", models);
    figures.tell("seconds to converge", converged.as_secs_f64(), "s");
    figures.count("calls to converge", tally.all(), "calls");
    let rest = start.elapsed().saturating_sub(converged);
    figures.tell("seconds to write it down", rest.as_secs_f64(), "s");
    figures.done()
}

/// A model on its way.
struct Seedling {
    folder: String,
    files: Files,
    model: Model,
    settled: bool,
}

impl Seedling {
    fn new(installation: &Installation, number: usize, common: &Files, shared: &Files) -> Self {
        let mut files = files::model(number, common);
        let trueup = shared.get_key_value("trueup.yaml").expect("it is shared");
        files.insert(trueup.0.clone(), trueup.1.clone());
        let folder = files::folder(number);
        let model = Model::new(installation, &folder, snapshot_of(&files));
        Self {
            folder,
            files,
            model,
            settled: false,
        }
    }

    fn pass(
        &mut self,
        installation: &Installation,
        at: (&mut World, Timestamp),
        tally: &mut Tally,
    ) {
        let pass = self.model.pass(installation, &BTreeMap::new(), at, tally);
        self.settled = pass.is_settled();
        for write in &pass.writes {
            let texts = write.files.iter();
            let files = texts.map(|(path, text)| (path.clone(), text.as_bytes().into()));
            self.files.extend(files);
        }
        if !pass.writes.is_empty() {
            let files = snapshot_of(&self.files);
            self.model = Model::new(installation, &self.folder, files);
        }
    }
}

fn converge(
    batch: &mut [Seedling],
    installation: &Installation,
    (world, mut now): (&mut World, Timestamp),
    tally: &mut Tally,
) -> Timestamp {
    for _ in 0..ROUNDS_MAX {
        for one in batch.iter_mut().filter(|one| !one.settled) {
            one.pass(installation, (world, now), tally);
        }
        if batch.iter().all(|one| one.settled) {
            return now;
        }
        now += PAUSE;
        work_off(world, now);
    }
    let left = batch.iter().find(|one| !one.settled);
    panic!("{:?} did not converge", left.map(|one| &one.folder));
}

/// The files as those of a commit, which only these files tell apart from others.
fn snapshot_of(files: &Files) -> Snapshot {
    let file = |bytes: &std::sync::Arc<[u8]>| snapshot::File {
        mode: Mode::Regular,
        // What is to be trained depends on it: Git's own.
        blob: repository::blob(bytes),
        bytes: bytes.clone(),
    };
    let files = files.iter();
    let files: BTreeMap<_, _> = files
        .map(|(path, bytes)| (path.clone(), file(bytes)))
        .collect();
    let listing: String = files.values().map(|file| file.blob.0.as_str()).collect();
    Snapshot {
        commit: ObjectId(sha256(listing.as_bytes())[..40].to_owned()),
        time: Timestamp::UNIX_EPOCH,
        files,
        skipped: BTreeMap::new(),
    }
}

/// Where a fleet's world is, as the local SageMaker keeps it.
pub(crate) fn state(folder: &Path) -> std::path::PathBuf {
    folder.join("state")
}

fn save(folder: &Path, world: &World) {
    let state = state(folder);
    fs::create_dir_all(&state).expect("the folder can be made");
    let file = File::create(state.join("world.json")).expect("the world can be written");
    let mut file = BufWriter::new(file);
    let format = FORMAT;
    serde_json::to_writer(&mut file, &State { format, world }).expect("a world is JSON");
    file.flush().expect("the world can be written");
    let now = world.now().to_string();
    fs::write(folder.join("now"), now).expect("the time can be written");
}

/// The last instant that a fleet's world has seen.
pub(crate) fn time(folder: &Path) -> Timestamp {
    let text = fs::read_to_string(folder.join("now")).expect("the fleet was grown");
    text.parse().expect("it was written as a time")
}

/// Reads a fleet's world.
pub(crate) fn world(folder: &Path) -> World {
    let file = File::open(state(folder).join("world.json")).expect("the fleet was grown");
    let read: State<World> =
        serde_json::from_reader(BufReader::new(file)).expect("it was written as a world");
    read.world
}
