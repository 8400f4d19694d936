public import TernConvert
import TernModel

/// What was evaluated and with what.
public struct EvaluationSubject: Equatable, Sendable {
    public var model: String
    public var version: String
    /// Digest of the model file in hexadecimal.
    public var identity: String
    public var instructionSet: String
    /// What the images are: file or folder and split.
    public var data: String
    /// The model's temperature.
    public var temperature: Float
    /// What the operating points of the model file were measured on; empty without points.
    public var pointsMeasuredOn: String

    public init(model: String, version: String, identity: String, instructionSet: String, data: String, temperature: Float, pointsMeasuredOn: String)
    {
        self.model = model
        self.version = version
        self.identity = identity
        self.instructionSet = instructionSet
        self.data = data
        self.temperature = temperature
        self.pointsMeasuredOn = pointsMeasuredOn
    }
}

extension Evaluation {
    /// All figures as one object; an undefined figure is null, as are the ends of an interval that was not computed.
    public func json(_ subject: EvaluationSubject) -> JSONValue {
        object(
            ("model", .string(subject.model)), ("version", .string(subject.version)), ("identity", .string(subject.identity)),
            ("isa", .string(subject.instructionSet)), ("data", .string(subject.data)), ("temperature", real(subject.temperature)),
            ("operatingPointsMeasuredOn", subject.pointsMeasuredOn.isEmpty ? .null : .string(subject.pointsMeasuredOn)),
            ("images", number(count)), ("resamples", number(options.resamples)),
            ("accuracy", interval(accuracy)), ("auc", interval(auc)), ("aucMethod", aucMethod.map { .string($0.rawValue) } ?? .null),
            ("macroF1", interval(macroF1)), ("kappa", interval(kappa)), ("quadraticKappa", interval(quadraticKappa)),
            (
                "brier",
                object(
                    ("value", .number(brier.after)), ("before", .number(brier.before)), ("positive", optional(positiveBrier?.after)),
                    ("positiveBefore", optional(positiveBrier?.before)))
            ),
            ("calibrationError", .number(reliability.after.expectedCalibrationError)),
            ("calibrationErrorBefore", .number(reliability.before.expectedCalibrationError)),
            (
                "confusion",
                object(
                    ("classes", .array(classNames.map { .string($0) })),
                    ("counts", .array(confusion.counts.map { .array($0.map(number)) })))
            ),
            ("perClass", .array(perClass.map(entry))), ("labels", .array(labels.map(entry))),
            (
                "ordinal",
                ordinal.map { object(("meanAbsoluteError", interval($0.meanAbsoluteError)), ("withinOne", interval($0.withinOne))) } ?? .null
            ),
            ("outOfDistribution", gate.map(entry) ?? .null))
    }

    private func entry(_ figures: ClassFigures) -> JSONValue {
        object(
            ("name", .string(figures.name)), ("count", number(figures.count)), ("sensitivity", interval(figures.rates.sensitivity)),
            ("specificity", interval(figures.rates.specificity)), ("precision", interval(figures.rates.precision)),
            ("f1", optional(figures.rates.f1)), ("auc", interval(figures.auc)))
    }

    private func entry(_ label: LabelFigures) -> JSONValue {
        let point = label.defaultPoint
        return object(
            ("name", .string(label.name)), ("positives", number(label.positives)), ("auc", interval(label.auc)),
            ("operatingPoint", .string(point?.name ?? "")), ("threshold", point.map { real($0.threshold) } ?? .null),
            ("accuracy", interval(point?.rates.accuracy)), ("sensitivity", optional(point?.rates.sensitivity?.value)),
            ("specificity", optional(point?.rates.specificity?.value)),
            ("calibrationError", .number(label.reliability.after.expectedCalibrationError)),
            ("calibrationErrorBefore", .number(label.reliability.before.expectedCalibrationError)),
            ("operatingPoints", .array(label.points.map(entry))))
    }

    private func entry(_ point: PointFigures) -> JSONValue {
        let rates = point.rates
        return object(
            ("name", .string(point.name)), ("threshold", real(point.threshold)), ("default", .boolean(point.isDefault)),
            ("accuracy", interval(point.rates.accuracy)), ("sensitivity", interval(rates.sensitivity)), ("specificity", interval(rates.specificity)),
            ("ppv", interval(rates.precision)), ("npv", interval(rates.negativePredictiveValue)), ("f1", optional(rates.f1)),
            ("truePositives", number(rates.truePositives)), ("falsePositives", number(rates.falsePositives)),
            ("trueNegatives", number(rates.trueNegatives)), ("falseNegatives", number(rates.falseNegatives)),
            (
                "stated",
                point.stated.map { stated in
                    object(
                        ("sensitivity", measured(stated.sensitivity)), ("specificity", measured(stated.specificity)),
                        ("positives", number(stated.positives)), ("negatives", number(stated.negatives)))
                } ?? .null
            ))
    }

    private func entry(_ gate: Gate) -> JSONValue {
        let sorted = gate.scores.sorted()
        func quantile(_ q: Double) -> JSONValue {
            sorted.isEmpty ? .null : real(sorted[min(Int(q * Double(sorted.count)), sorted.count - 1)])
        }
        return object(
            ("flagged", number(gate.flagged)), ("share", interval(gate.share)), ("threshold", real(gate.threshold)),
            ("scores", object(("low", quantile(0.025)), ("median", quantile(0.5)), ("high", quantile(0.975)), ("largest", quantile(1)))))
    }
}

func object(_ members: (String, JSONValue)...) -> JSONValue { .object(members.map { JSONMember($0.0, $0.1) }) }
func number(_ value: Int) -> JSONValue { .number(Double(value)) }
func optional(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
/// The shortest decimal that reads back as the same binary32 value.
private func real(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
private func measured(_ share: MeasuredShare) -> JSONValue {
    object(("value", real(share.value)), ("low", real(share.low)), ("high", real(share.high)))
}
func interval(_ found: Interval?) -> JSONValue { interval(found.map { Estimate($0) }) }
func interval(_ estimate: Estimate?) -> JSONValue {
    guard let estimate else { return .null }
    return object(
        ("value", .number(estimate.value)), ("low", optional(estimate.interval?.lowerBound)), ("high", optional(estimate.interval?.upperBound)))
}
