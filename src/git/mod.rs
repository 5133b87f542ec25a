//! Mirrors, snapshots, watch and write-back.
