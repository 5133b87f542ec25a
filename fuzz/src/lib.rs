//! The rooms of trueup that strangers' bytes reach first, as they are in `src/`.
#![allow(dead_code, unused_imports, reason = "what the other rooms use of these is not here")]

#[path = "../../src/clock.rs"]
pub mod clock;
#[path = "../../src/limits.rs"]
pub mod limits;
#[path = "../../src/resource/mod.rs"]
pub mod resource;
#[path = "../../src/snapshot/mod.rs"]
pub mod snapshot;
#[path = "../../src/world/mod.rs"]
pub mod world;

pub mod local;
