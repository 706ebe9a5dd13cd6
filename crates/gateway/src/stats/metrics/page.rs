//! A page of metrics: families one after the other, each with its samples.

use std::fmt;

use federation::{BOUNDS, Histogram};
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// A page that is being written.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

/// What a family is called, measured in and good for.
pub(super) struct Family {
    /// Without prefix, and without the suffixes that unit and type add.
    pub(super) name: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) help: &'static str,
}

/// A family without a unit.
pub(super) fn family(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: None, help }
}

/// A family in seconds.
pub(super) fn seconds(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: Some(Unit::Seconds), help }
}

/// A family in bytes.
pub(super) fn bytes(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: Some(Unit::Bytes), help }
}

impl Page<'_> {
    /// A family of gauges, one for each set of labels.
    pub(super) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.begin(family, MetricType::Gauge)?;
        samples
            .into_iter()
            .try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&value))
    }

    /// A single gauge.
    pub(super) fn gauge(&mut self, family: &Family, value: impl EncodeGaugeValue) -> fmt::Result {
        self.begin(family, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// A family of counters, one for each set of labels.
    pub(super) fn counters<L: EncodeLabelSet, V: EncodeCounterValue>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut family = self.begin(family, MetricType::Counter)?;
        samples.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// A single counter.
    pub(super) fn counter(&mut self, family: &Family, value: impl EncodeCounterValue) -> fmt::Result {
        self.begin(family, MetricType::Counter)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// A family of histograms, one for each set of labels.
    pub(super) fn histograms<L: EncodeLabelSet>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (L, Histogram)>,
    ) -> fmt::Result {
        let mut family = self.begin(family, MetricType::Histogram)?;
        samples.into_iter().try_for_each(|(labels, histogram)| {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(histogram.counts).collect();
            let mut sample = family.encode_family(&labels)?;
            sample.encode_histogram::<NoLabelSet>(histogram.sum, histogram.total(), &buckets, None)
        })
    }

    /// Facts that do not change.
    pub(super) fn info(&mut self, family: &Family, facts: &impl EncodeLabelSet) -> fmt::Result {
        self.begin(family, MetricType::Info)?.encode_info(facts)
    }

    fn begin<'s>(
        &'s mut self,
        family: &'s Family,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        let Family { name, unit, help } = family;
        self.0.encode_descriptor(name, help, unit.as_ref(), kind)
    }
}
