//! The words of the program: kinds of resources, what is desired, names, digests, owner tags and
//! calls.

pub mod archive;
pub mod broken;
pub mod call;
pub mod canonical;
pub mod compare;
pub mod desired;
pub mod error;
pub mod kind;
pub mod kinds;
pub mod lifecycle;
pub mod name;
pub mod owner;
pub mod ownership;
pub mod scalable_target;
pub mod scaling_policy;
pub mod subscription;
pub mod unit;
pub mod wire;

mod alarm;
mod code_object;
mod data_quality_job_definition;
mod endpoint;
mod endpoint_config;
mod model;
mod model_package;
mod model_package_group;
mod monitoring_schedule;
mod pipeline;
mod pipeline_execution;
mod topic;
