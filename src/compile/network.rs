//! Where jobs run and what they encrypt with, in the shapes of the jobs.
//!
//! None of it is in the run digest: the same bytes are trained on either way.

use serde_json::{Value, json};

use crate::config::model::{Encryption, Network, Vpc};

/// A VPC in the API's shape.
pub(super) fn vpc_config(vpc: &Vpc) -> Value {
    json!({"SecurityGroupIds": vpc.security_group_ids, "Subnets": vpc.subnets})
}

/// Adds to a `CreateTrainingJob`.
pub(super) fn training(mut job: Value, network: &Network, encryption: &Encryption) -> Value {
    if let Some(vpc) = &network.vpc {
        job["VpcConfig"] = vpc_config(vpc);
    }
    if network.encrypt_inter_container {
        job["EnableInterContainerTrafficEncryption"] = true.into();
    }
    if let Some(key) = &encryption.kms_key_id {
        job["OutputDataConfig"]["KmsKeyId"] = key.clone().into();
        job["ResourceConfig"]["VolumeKmsKeyId"] = key.clone().into();
    }
    job
}

/// Adds to a `CreateProcessingJob`.
pub(super) fn processing(mut job: Value, network: &Network, encryption: &Encryption) -> Value {
    if let Some(config) = network_config(network) {
        job["NetworkConfig"] = config;
    }
    if let Some(key) = &encryption.kms_key_id {
        job["ProcessingOutputConfig"]["KmsKeyId"] = key.clone().into();
        job["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] = key.clone().into();
    }
    job
}

/// Adds to a job definition of a monitor.
pub(super) fn monitoring(mut job: Value, network: &Network, encryption: &Encryption) -> Value {
    if let Some(config) = network_config(network) {
        job["NetworkConfig"] = config;
    }
    if let Some(key) = &encryption.kms_key_id {
        job["DataQualityJobOutputConfig"]["KmsKeyId"] = key.clone().into();
        job["JobResources"]["ClusterConfig"]["VolumeKmsKeyId"] = key.clone().into();
    }
    job
}

fn network_config(network: &Network) -> Option<Value> {
    let mut config = json!({});
    if let Some(vpc) = &network.vpc {
        config["VpcConfig"] = vpc_config(vpc);
    }
    if network.encrypt_inter_container {
        config["EnableInterContainerTrafficEncryption"] = true.into();
    }
    (config != json!({})).then_some(config)
}
