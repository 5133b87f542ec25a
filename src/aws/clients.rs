//! The SDK's clients, by region.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{Region as RegionName, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::limits;
use crate::resource::call::Call;

/// Attempts at a call that only reads.
const READ_ATTEMPTS: u32 = 3;

/// Clients for every region that was asked for.
#[derive(Debug)]
pub(super) struct Clients {
    config: SdkConfig,
    deadline: Duration,
    regions: Mutex<BTreeMap<String, Arc<Region>>>,
}

/// The clients of one region.
#[derive(Debug)]
pub(super) struct Region {
    reading: Services,
    changing: Services,
}

/// One kind of retries, every service. They share connections and credentials.
#[derive(Debug)]
struct Services {
    sagemaker: aws_sdk_sagemaker::Client,
    s3: aws_sdk_s3::Client,
    scaling: aws_sdk_applicationautoscaling::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sns: aws_sdk_sns::Client,
}

impl Clients {
    pub(super) fn new(config: SdkConfig, deadline: Duration) -> Self {
        Self {
            config,
            deadline,
            regions: Mutex::default(),
        }
    }

    /// The clients of a region, made when it is first asked for.
    pub(super) fn region(&self, name: &str) -> Arc<Region> {
        let mut regions = self.regions.lock().expect("no holder of this lock panics");
        if let Some(region) = regions.get(name) {
            return Arc::clone(region);
        }
        let region = Arc::new(Region::new(&self.config, name, self.deadline));
        regions.insert(name.to_owned(), Arc::clone(&region));
        region
    }
}

impl Region {
    fn new(config: &SdkConfig, name: &str, deadline: Duration) -> Self {
        let config = config
            .to_builder()
            .region(RegionName::new(name.to_owned()))
            .build();
        let attempt = deadline / READ_ATTEMPTS;
        // Well before the deadline, because then it is known that nothing was sent.
        let connecting =
            TimeoutConfig::builder().connect_timeout(attempt.min(limits::CONNECT_DEADLINE));
        let reading = connecting.clone().operation_attempt_timeout(attempt);
        let retries = RetryConfig::standard().with_max_attempts(READ_ATTEMPTS);
        Self {
            reading: Services::new(&config, retries, reading.build()),
            changing: Services::new(&config, RetryConfig::disabled(), connecting.build()),
        }
    }

    pub(super) fn sagemaker(&self, call: &Call) -> &aws_sdk_sagemaker::Client {
        &self.services(call).sagemaker
    }

    pub(super) fn s3(&self, call: &Call) -> &aws_sdk_s3::Client {
        &self.services(call).s3
    }

    pub(super) fn scaling(&self, call: &Call) -> &aws_sdk_applicationautoscaling::Client {
        &self.services(call).scaling
    }

    pub(super) fn cloudwatch(&self, call: &Call) -> &aws_sdk_cloudwatch::Client {
        &self.services(call).cloudwatch
    }

    pub(super) fn sns(&self, call: &Call) -> &aws_sdk_sns::Client {
        &self.services(call).sns
    }

    fn services(&self, call: &Call) -> &Services {
        if call.mutates() {
            &self.changing
        } else {
            &self.reading
        }
    }
}

impl Services {
    fn new(config: &SdkConfig, retries: RetryConfig, timeouts: TimeoutConfig) -> Self {
        let sagemaker = aws_sdk_sagemaker::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let scaling = aws_sdk_applicationautoscaling::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        let sns = aws_sdk_sns::config::Builder::from(config)
            .retry_config(retries.clone())
            .timeout_config(timeouts.clone());
        // An address of our own has no bucket names in its host.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .retry_config(retries)
            .timeout_config(timeouts)
            .force_path_style(config.endpoint_url().is_some());
        Self {
            sagemaker: aws_sdk_sagemaker::Client::from_conf(sagemaker.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            scaling: aws_sdk_applicationautoscaling::Client::from_conf(scaling.build()),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
        }
    }
}
