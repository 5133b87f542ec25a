//! The folder that a container would find as `/opt/ml`, and what goes in and out of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::archive::{self, ArchiveError};
use super::bodies::Stored;
use super::engine::Engine;
use super::interpreters::PYTHONS;
use super::paths::{CONTAINER_ROOT, below_prefix, rewrite, s3_uri};
use super::process::{self, ProcessError, Program};
use crate::config::Image;
use crate::limits::{CHANNEL_OBJECTS_MAX, JOB_STOP_GRACE};
use crate::world::objects::Wanted;
use crate::world::work::{Job, JobKind};
use crate::world::{Object, ObjectError};

/// Why a container's folder could not be prepared or emptied; its words become a failure reason.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    /// The request asks for something that cannot be had.
    #[error("ClientError: {0}")]
    Client(String),
    /// This machine failed.
    #[error("InternalServerError: cannot {doing} {path}: {reason}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl From<ArchiveError> for PlaceError {
    fn from(error: ArchiveError) -> Self {
        let mut words = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            words = format!("{words}: {source}");
        }
        Self::Client(words)
    }
}

impl From<ProcessError> for PlaceError {
    fn from(error: ProcessError) -> Self {
        Self::Client(error.to_string())
    }
}

pub(super) fn client(words: impl Into<String>) -> PlaceError {
    PlaceError::Client(words.into())
}

pub(super) fn io_error<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> PlaceError + 'a {
    move |error| PlaceError::Io {
        doing,
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// One container's folder: `opt/ml` in it, its log beside it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
    region: String,
    /// Whether its programs see it as `/opt/ml`.
    mounted: bool,
    /// What stands for the image.
    image: Arc<Image>,
}

impl Place {
    /// An empty place; what was at the same path is removed. `mounted` says whether its programs
    /// see it as `/opt/ml`, or are told where it is.
    pub(super) fn fresh(folder: PathBuf, region: &str, mounted: bool) -> Result<Self, PlaceError> {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(io_error("clear", &folder))?;
        }
        let place = Self {
            folder,
            region: region.to_owned(),
            mounted,
            image: Arc::default(),
        };
        place.folder_at("tmp")?;
        Ok(place)
    }

    /// An empty place for programs that stand for an image.
    pub(super) fn of_image(
        engine: &Engine,
        (folder, region): (PathBuf, &str),
        uri: &str,
    ) -> Result<Self, PlaceError> {
        let image = engine.host.images.of(uri);
        if let Some(reason) = &image.refuse {
            return Err(client(reason.clone()));
        }
        let mut place = Self::fresh(folder, region, engine.host.supervisor.mounts())?;
        place.image = image;
        place.write_wrappers(engine)?;
        Ok(place)
    }

    /// An empty place for a job.
    pub(super) fn of_job(engine: &Engine, job: &Job) -> Result<Self, PlaceError> {
        let kind = match job.kind {
            JobKind::Training => "training",
            JobKind::Processing => "processing",
            JobKind::Transform => "transform",
        };
        let folder = engine.state.folder().join("jobs").join(&job.scope.region);
        let folder = folder.join(kind).join(&job.name);
        Self::of_image(engine, (folder, &job.scope.region), image_of(job))
    }

    /// What stands for the image.
    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    /// Where it works.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// What stands for `/opt/ml`.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("opt/ml")
    }

    /// `/opt/ml` as the programs of this place know it.
    pub(super) fn root_text(&self) -> String {
        self.seen(&self.root()).to_string_lossy().into_owned()
    }

    /// Whether `/opt/ml` has to be told otherwise to the programs of this place.
    pub(super) fn rewrites(&self) -> bool {
        !self.mounted
    }

    /// A path of this machine as the programs of this place know it.
    pub(super) fn seen(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(self.root()) {
            Ok(rest) if self.mounted => Path::new(CONTAINER_ROOT)
                .components()
                .chain(rest.components())
                .collect(),
            Ok(_) | Err(_) => path.to_owned(),
        }
    }

    /// Where the output of the container goes.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// A path beside `opt`, for files that the container does not see.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A path below `/opt/ml`.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// The same, as a folder that is there.
    pub(super) fn make(&self, relative: &str) -> Result<PathBuf, PlaceError> {
        self.folder_at(&format!("opt/ml/{relative}"))
    }

    fn folder_at(&self, relative: &str) -> Result<PathBuf, PlaceError> {
        let path = self.folder.join(relative);
        fs::create_dir_all(&path).map_err(io_error("create", &path))?;
        Ok(path)
    }

    /// Where a path of the container is on this machine; only those below `/opt/ml` are anywhere.
    pub(super) fn container_path(&self, path: &str) -> Result<PathBuf, PlaceError> {
        let relative = path
            .strip_prefix(CONTAINER_ROOT)
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
            .and_then(|rest| archive::inside(Path::new(rest.trim_start_matches('/'))));
        relative
            .map(|relative| self.root().join(relative))
            .ok_or_else(|| client(format!("the local path {path} is not below /opt/ml")))
    }

    /// Writes a file below `/opt/ml`.
    pub(super) fn write(&self, relative: &str, content: &Value) -> Result<(), PlaceError> {
        let path = self.path(relative);
        fs::write(&path, content.to_string()).map_err(io_error("write", &path))
    }

    /// The environment that every child has: where programs are, and how to reach this server.
    pub(super) fn base_env(&self, engine: &Engine) -> BTreeMap<String, String> {
        let host = &engine.host;
        let mut env = BTreeMap::new();
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("PATH", &self.programs(engine));
        set("LANG", "C.UTF-8");
        set("PYTHONUNBUFFERED", "1");
        set("AWS_REGION", &self.region);
        set("AWS_DEFAULT_REGION", &self.region);
        set("AWS_ENDPOINT_URL", engine.url());
        let (key_id, secret) = match &host.require_auth {
            Some(known) => (
                &*known.access_key_id,
                known.secret_access_key.expose_secret(),
            ),
            None => ("local", "local"),
        };
        set("AWS_ACCESS_KEY_ID", key_id);
        set("AWS_SECRET_ACCESS_KEY", secret);
        set("AWS_EC2_METADATA_DISABLED", "true");
        set("TMPDIR", &self.folder.join("tmp").to_string_lossy());
        if let Some(home) = &host.home {
            set("HOME", &home.to_string_lossy());
        }
        if let Some(venv) = &self.image.venv {
            set("VIRTUAL_ENV", venv);
        }
        let root = self.root_text();
        for (name, value) in &self.image.env {
            set(name, &rewrite(value, &root));
        }
        env
    }

    /// Adds the strings of a request's `Environment` to `env`, with paths as its programs know them.
    pub(super) fn add_env(&self, env: &mut BTreeMap<String, String>, given: Option<&Value>) {
        let root = self.root_text();
        let pairs = given.and_then(Value::as_object);
        for (name, value) in pairs.into_iter().flatten() {
            if let Some(value) = value.as_str()
                && !name.is_empty()
                && !name.contains(['=', '\0'])
            {
                env.insert(name.clone(), rewrite(value, &root));
            }
        }
    }

    /// A program as it is started here: `name` is looked up, the names of Python become the image's
    /// interpreter, and `trueup` is this program. `cwd` is a path of this machine.
    pub(super) fn program(
        &self,
        engine: &Engine,
        name: &str,
        args: Vec<String>,
        env: BTreeMap<String, String>,
        cwd: PathBuf,
    ) -> Result<Program, PlaceError> {
        let executable = match name {
            "trueup" => engine.host.supervisor.executable.clone(),
            name if PYTHONS.contains(&name) => {
                process::find(&self.python(engine), &engine.host.path)?
            }
            name => self.find(name, &self.programs(engine))?,
        };
        Ok(Program {
            executable,
            args,
            env,
            cwd: self.seen(&cwd),
            opt_ml: self.mounted.then(|| self.root()),
            log: self.log(),
            grace_ms: u64::try_from(JOB_STOP_GRACE.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn find(&self, name: &str, path: &str) -> Result<PathBuf, ProcessError> {
        match self.container_path(name) {
            Ok(here) if self.mounted => process::find(&here.to_string_lossy(), path)
                .map(|_| PathBuf::from(name))
                .map_err(|_| ProcessError::NotOnPath(name.to_owned())),
            Ok(_) | Err(_) => process::find(name, path),
        }
    }

    /// Unpacks the `tar.gz` at an S3 URI.
    pub(super) fn unpack(&self, engine: &Engine, uri: &str, to: &Path) -> Result<(), PlaceError> {
        let object = find(engine, uri)?;
        let packed = self.beside(&format!("{}.tar.gz", engine.number()));
        copy_out(engine, &object, &packed)?;
        let unpacked = archive::unpack(&packed, to);
        fs::remove_file(&packed).map_err(io_error("remove", &packed))?;
        Ok(unpacked?)
    }

    /// Writes the objects that the manifest at an S3 URI names below the folder `to`.
    pub(super) fn download_manifest(
        &self,
        engine: &Engine,
        uri: &str,
        to: &Path,
    ) -> Result<(), PlaceError> {
        let malformed = || client(format!("{uri} is not a manifest"));
        let object = find(engine, uri)?;
        let copy = self.beside(&format!("{}.manifest", engine.number()));
        copy_out(engine, &object, &copy)?;
        let bytes = fs::read(&copy).map_err(io_error("read", &copy))?;
        let lines: Vec<Value> = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
        let (first, names) = lines.split_first().ok_or_else(malformed)?;
        let prefix = first["prefix"].as_str().ok_or_else(malformed)?;
        if names.len() > CHANNEL_OBJECTS_MAX {
            return Err(client(format!(
                "more than {CHANNEL_OBJECTS_MAX} objects in {uri}"
            )));
        }
        fs::create_dir_all(to).map_err(io_error("create", to))?;
        for name in names {
            let name = name.as_str().ok_or_else(malformed)?;
            let object = find(engine, &format!("{prefix}{name}"))?;
            write_object(engine, &object, name, "", to)?;
        }
        Ok(())
    }
}

/// The image that a job names.
fn image_of(job: &Job) -> &str {
    let image = match job.kind {
        JobKind::Training => &job.request["AlgorithmSpecification"]["TrainingImage"],
        JobKind::Processing => &job.request["AppSpecification"]["ImageUri"],
        JobKind::Transform => job
            .container
            .as_ref()
            .map_or(&Value::Null, |one| &one["Image"]),
    };
    image.as_str().unwrap_or_default()
}

/// Writes every object under an `S3Prefix` below the folder `to`.
pub(super) fn download(engine: &Engine, uri: &str, to: &Path) -> Result<(), PlaceError> {
    let (bucket, prefix) = s3_uri(uri).ok_or_else(|| client(format!("{uri} is not in S3")))?;
    let objects = engine.with_objects(Clone::clone);
    fs::create_dir_all(to).map_err(io_error("create", to))?;
    let (mut after, mut count) = (None::<String>, 0);
    loop {
        let page = objects
            .list(bucket, &Wanted::all(prefix, 1000), after.as_deref())
            .map_err(|error| refused(uri, error))?;
        for (key, object) in &page.objects {
            // Consoles make empty objects of such names to show folders.
            if !key.ends_with('/') {
                write_object(engine, object, key, prefix, to)?;
                count += 1;
            }
        }
        if count > CHANNEL_OBJECTS_MAX {
            return Err(client(format!(
                "more than {CHANNEL_OBJECTS_MAX} objects under {uri}"
            )));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if count == 0 {
        return Err(client(format!(
            "Data download failed: No S3 objects found under S3 URL \"{uri}\" given in input \
             data source"
        )));
    }
    Ok(())
}

fn write_object(
    engine: &Engine,
    object: &Object,
    key: &str,
    prefix: &str,
    to: &Path,
) -> Result<(), PlaceError> {
    let relative = below_prefix(key, prefix);
    let relative = archive::inside(Path::new(relative))
        .filter(|path| !path.as_os_str().is_empty())
        .ok_or_else(|| client(format!("the key {key} cannot be a file's path")))?;
    let path = to.join(relative);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    copy_out(engine, object, &path)
}

/// Keeps the file `from` as the object at `uri`.
pub(super) fn upload(engine: &Engine, from: &Path, uri: &str) -> Result<(), PlaceError> {
    let (bucket, key) = s3_uri(uri).ok_or_else(|| client(format!("{uri} is not in S3")))?;
    let stored = engine
        .bodies
        .keep_file(from)
        .map_err(io_error("keep", from))?;
    put(engine, (bucket, key), stored, "binary/octet-stream").map_err(|error| refused(uri, error))
}

/// Keeps bytes as the object at `uri`.
pub(super) fn upload_bytes(
    engine: &Engine,
    bytes: &[u8],
    content_type: &str,
    uri: &str,
) -> Result<(), PlaceError> {
    let (bucket, key) = s3_uri(uri).ok_or_else(|| client(format!("{uri} is not in S3")))?;
    let stored = engine
        .bodies
        .keep_bytes(bytes)
        .map_err(io_error("keep", Path::new(uri)))?;
    put(engine, (bucket, key), stored, content_type).map_err(|error| refused(uri, error))
}

fn put(
    engine: &Engine,
    (bucket, key): (&str, &str),
    stored: Stored,
    content_type: &str,
) -> Result<(), ObjectError> {
    let object = Object {
        size: stored.size,
        sha256: stored.sha256,
        etag: stored.md5,
        content_type: Some(content_type.to_owned()),
        metadata: BTreeMap::new(),
        modified: engine.now(),
        inline: stored.inline,
        version: None,
        tags: BTreeMap::new(),
        checksums: BTreeMap::new(),
    };
    let put = engine.with_objects_mut(|objects| objects.put_stored(bucket, key, object));
    put.map(drop)
}

/// The bytes of the object at `uri`, if they are not more than `most`.
pub(super) fn read_object(engine: &Engine, uri: &str, most: usize) -> Result<Vec<u8>, PlaceError> {
    let object = find(engine, uri)?;
    if usize::try_from(object.size).map_or(true, |size| size > most) {
        return Err(client(format!("{uri} is longer than {most} bytes")));
    }
    if let Some(bytes) = &object.inline {
        return Ok(bytes.to_vec());
    }
    let path = engine.bodies.path(&object.sha256);
    fs::read(&path).map_err(io_error("read", &path))
}

/// Keeps every file below `from` under the prefix `uri`.
pub(super) fn upload_folder(engine: &Engine, from: &Path, uri: &str) -> Result<(), PlaceError> {
    let root = from.canonicalize().map_err(io_error("open", from))?;
    for (name, path) in archive::files_below(&root)? {
        upload(
            engine,
            &path,
            &format!("{}/{name}", uri.trim_end_matches('/')),
        )?;
    }
    Ok(())
}

/// Whether a folder holds any file.
pub(super) fn has_files(folder: &Path) -> bool {
    let files = folder.canonicalize().ok();
    files.is_some_and(|root| archive::files_below(&root).is_ok_and(|files| !files.is_empty()))
}

fn find(engine: &Engine, uri: &str) -> Result<Arc<Object>, PlaceError> {
    let (bucket, key) = s3_uri(uri).ok_or_else(|| client(format!("{uri} is not in S3")))?;
    engine
        .with_objects(|objects| objects.get(bucket, key).cloned())
        .map_err(|error| refused(uri, error))
}

fn copy_out(engine: &Engine, object: &Object, to: &Path) -> Result<(), PlaceError> {
    match &object.inline {
        Some(bytes) => fs::write(to, bytes),
        None => fs::copy(engine.bodies.path(&object.sha256), to).map(drop),
    }
    .map_err(io_error("write", to))
}

fn refused(uri: &str, error: ObjectError) -> PlaceError {
    client(format!("{uri}: {error} ({})", error.code()))
}
