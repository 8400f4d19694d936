public import TernConvert

/// What was explained and how.
public struct ExplanationSubject: Equatable, Sendable {
    public var model: String
    public var version: String
    /// Digest of the model file in hexadecimal.
    public var identity: String
    public var instructionSet: String
    /// What the images are: file or folder and split.
    public var data: String
    /// The name of the model's own way to a map.
    public var method: String
    public var columns, rows: Int
    /// What is explained: the label with the largest score, or one label for all images.
    public var explained: String
    public var deletion, insertion: Absence
    /// Mean scores of the images, and of what is left when everything is taken away.
    public var score, scoreDeleted, scoreBeforeInsertion: Double
    /// How the other methods' implementation agrees with the engine: images with one class in both, of all; nil without other methods.
    public var sameClass: Interval?

    public init(
        model: String, version: String, identity: String, instructionSet: String, data: String, method: String, columns: Int, rows: Int,
        explained: String, deletion: Absence, insertion: Absence, score: Double, scoreDeleted: Double, scoreBeforeInsertion: Double,
        sameClass: Interval?
    ) {
        (self.model, self.version, self.identity, self.instructionSet, self.data) = (model, version, identity, instructionSet, data)
        (self.method, self.columns, self.rows, self.explained) = (method, columns, rows, explained)
        (self.deletion, self.insertion, self.sameClass) = (deletion, insertion, sameClass)
        (self.score, self.scoreDeleted, self.scoreBeforeInsertion) = (score, scoreDeleted, scoreBeforeInsertion)
    }
}

extension Faithfulness {
    /// All figures as one object; an undefined figure is null, as are the ends of an interval that was not computed.
    public func json(_ subject: ExplanationSubject) -> JSONValue {
        object(
            ("model", .string(subject.model)), ("version", .string(subject.version)), ("identity", .string(subject.identity)),
            ("isa", .string(subject.instructionSet)), ("data", .string(subject.data)), ("images", number(count)),
            ("method", .string(subject.method)), ("columns", number(subject.columns)), ("rows", number(subject.rows)),
            ("explained", .string(subject.explained)), ("deletionTo", .string(subject.deletion.rawValue)),
            ("insertionFrom", .string(subject.insertion.rawValue)), ("shares", .array(shares.map { .number($0) })),
            (
                "scores",
                object(
                    ("image", .number(subject.score)), ("deleted", .number(subject.scoreDeleted)),
                    ("beforeInsertion", .number(subject.scoreBeforeInsertion)))
            ),
            ("largestGap", optional(largestGap)), ("sameClass", interval(subject.sameClass)), ("methods", .array(methods.map(entry))),
            (
                "shuffled",
                changesWithWeights.map { changes in
                    object(
                        ("limit", .number(Faithfulness.largestShuffledCorrelation)), ("passes", .boolean(changes)), ("stages", .array(stages.map(entry))))
                } ?? .null
            ))
    }

    private func entry(_ method: Method) -> JSONValue {
        object(
            ("name", .string(method.name)), ("deletion", interval(method.deletion)), ("insertion", interval(method.insertion)),
            ("deletionLessRandom", interval(method.deletionLessRandom)), ("insertionLessRandom", interval(method.insertionLessRandom)),
            ("deletionBetter", interval(method.deletionBetter)), ("insertionBetter", interval(method.insertionBetter)),
            ("rankCorrelation", interval(method.rankCorrelation)),
            (
                "curves",
                object(
                    ("deletion", .array(method.curves.deletion.map { .number($0) })), ("insertion", .array(method.curves.insertion.map { .number($0) })))
            ))
    }

    private func entry(_ stage: Stage) -> JSONValue {
        object(
            ("name", .string(stage.name)), ("images", number(stage.count)), ("rankCorrelation", interval(stage.rankCorrelation)),
            ("magnitude", interval(stage.magnitude)))
    }
}
