extension ModelFileError {
    /// One line in English: the rule, the place, what is wrong there and what to do.
    public var message: String { "\(rule): \(place): \(finding); \(remedy)" }

    private var place: String {
        switch self {
        case .notAModelFile, .unsupportedVersion, .unknownFeatures, .byteCountMismatch, .identityMismatch: "header"
        case .notZero(let place, _), .badText(let place, _), .sizeOverflow(let place): place.description
        case .sectionTable(_, let record, let kind): "section record \(record), kind \(kind)"
        case .sectionDigest(let kind): "section of kind \(kind)"
        case .signature: "signature"
        case .tensorRecord(_, let tensor, _), .tensorPlacement(_, let tensor, _, _), .notFinite(let tensor, _), .badWeight(let tensor, _),
            .scaleNotPositive(let tensor, _):
            "tensor \(tensor)"
        case .duplicateName(let first, let second): "tensors \(first) and \(second)"
        case .operation(_, let operation, let field, _): "operation \(operation), \(field.description)"
        case .arena(_, let operation, let field, _, _):
            operation.map { "operation \($0), \(field.description)" } ?? "header, \(field == .kind ? "arena" : field.description)"
        case .tensorReference(_, let operation, let field, let tensor): "operation \(operation), \(field.description) tensor \(tensor)"
        case .recipe: "input recipe"
        case .labels(_, let label, _): label.map { "label \($0)" } ?? "labels"
        case .card: "model card"
        case .goldenVectors: "golden vectors"
        case .limitExceeded(let limit, _, _): limit.description
        case .operatingPoints(_, let point, _): point.map { "operating point \($0)" } ?? "operating points"
        case .featureStatistics: "feature statistics"
        case .qualityRules(_, let rule, _): rule.map { "quality rule \($0)" } ?? "quality gate"
        case .scoreReference(_, let record, _): record.map { "score distribution \($0)" } ?? "score reference"
        case .readingRules(_, let label, _): label.map { "reading rules of label \($0)" } ?? "reading rules"
        }
    }

    private var finding: String {
        switch self {
        case .notAModelFile: "the first eight bytes are not those of a .tern file"
        case .unsupportedVersion(let major, let minor): "format version \(major).\(minor), this reader knows version \(ModelFormat.major)"
        case .unknownFeatures(let bits): "required features with bits \(bits) are unknown"
        case .byteCountMismatch(let declared, let actual): "\(declared) bytes declared, the file has \(actual)"
        case .notZero(_, let offset): "the byte at file offset \(offset) must be zero"
        case .badText(_, let offset): "at file offset \(offset) there is no printable ASCII text padded with zeros"
        case .sizeOverflow: "a size does not fit in 63 bits"
        case .sectionTable(let fault, _, _): fault.description
        case .sectionDigest: "the bytes do not have the digest that the header gives"
        case .identityMismatch: "the identity is not the digest of the header"
        case .signature(let fault): fault.description
        case .tensorRecord(let fault, _, let value): "\(fault.description), value \(value)"
        case .tensorPlacement(let fault, _, let declared, let expected): "\(fault.description): \(declared), expected \(expected)"
        case .duplicateName: "they have one name"
        case .notFinite(_, let index): "value \(index) is infinite or not a number"
        case .badWeight(_, let index): "byte \(index) holds a code that may not occur"
        case .operation(let fault, _, _, let value): "\(fault.description), value \(value)"
        case .arena(let fault, _, _, let end, let limit): "\(fault.description) (\(end), limit \(limit))"
        case .tensorReference(let fault, _, _, _): fault.description
        case .scaleNotPositive(_, let index): "weight scale \(index) is not positive"
        case .recipe(let fault, let value): "\(fault.description), value \(value)"
        case .labels(let fault, _, let value): "\(fault.description), value \(value)"
        case .card(let fault, let offset): "\(fault.description) (offset \(offset))"
        case .goldenVectors(let fault, let found, let expected): "\(fault.description): \(found), expected \(expected)"
        case .limitExceeded(_, let declared, let limit): "\(declared) is outside the limit \(limit)"
        case .operatingPoints(let fault, _, let value): "\(fault.description), value \(value)"
        case .featureStatistics(let fault, let value): "\(fault.description), value \(value)"
        case .qualityRules(let fault, _, let value): "\(fault.description), value \(value)"
        case .scoreReference(let fault, _, let value): "\(fault.description), value \(value)"
        case .readingRules(let fault, _, let value): "\(fault.description), value \(value)"
        }
    }

    private var remedy: String {
        switch self {
        case .notAModelFile: "give a file that `tern convert` has written"
        case .unsupportedVersion, .unknownFeatures, .sectionTable(.unknownRequired, _, _): "use a newer release, or convert the model again"
        case .byteCountMismatch, .sectionDigest, .identityMismatch: "the copy is damaged, copy the file again"
        case .signature(.unsignedNotAllowed): "sign it with `tern sign`, or allow unsigned files explicitly"
        case .signature(.untrustedKey): "add the signer's key to the trusted keys if you trust it"
        case .signature: "the file was changed after it was signed, get it again from its maker"
        default: "the file was not written by `tern convert`, convert the model again"
        }
    }
}

extension ModelFileError.Place {
    var description: String {
        switch self {
        case .header: "header"
        case .section(let record): "section record \(record)"
        case .tensor(let index): "tensor \(index)"
        case .operation(let index): "operation \(index)"
        case .recipe: "input recipe"
        case .labelsHead: "labels"
        case .label(let index): "label \(index)"
        case .golden: "golden vectors"
        case .operatingPoints: "operating points"
        case .operatingPoint(let index): "operating point \(index)"
        case .featureStatistics: "feature statistics"
        case .qualityRules: "quality gate"
        case .qualityRule(let index): "quality rule \(index)"
        case .scoreReference: "score reference"
        case .scoreDistribution(let index): "score distribution \(index)"
        case .readingRules: "reading rules"
        case .readingRule(let index): "reading rules of label \(index)"
        }
    }
}

extension ModelFileError.SectionFault {
    var description: String {
        switch self {
        case .unknownRequired: "a section that this reader does not know must be read"
        case .unknownFlag: "unknown or missing flag"
        case .missing: "a section is missing"
        case .repeated: "the kind stands twice"
        case .order: "kinds do not ascend"
        case .offset: "the section does not start where the one before ends"
        case .outsideFile: "the section ends outside the file"
        case .byteCount: "the byte count is not that of its records"
        case .padding: "bytes between sections are not zero"
        case .trailingBytes: "bytes follow the last section"
        }
    }
}

extension ModelFileError.SignatureFault {
    var description: String {
        switch self {
        case .unknownKind: "unknown signature kind"
        case .unsignedWithBytes: "an unsigned file holds a key or a signature"
        case .doesNotVerify: "the Ed25519 signature does not verify"
        case .unsignedNotAllowed: "the file is not signed"
        case .untrustedKey: "the key is not one of the trusted ones"
        }
    }
}

extension ModelFileError.TensorFault {
    var description: String {
        switch self {
        case .elementType: "unknown element type"
        case .rank: "rank is not 1 to 4"
        case .packing: "unknown packing"
        case .recipe: "unknown quantisation recipe"
        case .dimension: "dimension out of range"
        case .combination: "element type, packing, rank and recipe do not go together"
        }
    }
}

extension ModelFileError.PlacementFault {
    var description: String {
        switch self {
        case .offset: "offset in the weights section"
        case .byteCount: "byte count"
        case .padding: "padding is not zero at"
        case .sectionEnd: "byte count of the weights section"
        }
    }
}

extension ModelFileError.OperationFault {
    var description: String {
        switch self {
        case .unknownKind: "unknown kind"
        case .unknownFlag: "unknown flag, or one that this kind does not have"
        case .unusedField: "a field that the operation does not use is not zero"
        case .dimension: "dimension out of range"
        case .levels: "activation levels are not 127, 63 or 42"
        case .stride: "stride out of range"
        case .parameter: "parameter is not finite and positive"
        }
    }
}

extension ModelFileError.ArenaFault {
    var description: String {
        switch self {
        case .arenaByteCount: "arena byte count is zero or not a multiple of 64"
        case .alignment: "offset is not aligned"
        case .outside: "the region ends outside the arena"
        case .overlap: "the region overlaps the output"
        case .notTheImage: "patches are not cut from the image"
        case .unwritten: "the region holds values that nothing has written"
        }
    }
}

extension ModelFileError.ReferenceFault {
    var description: String {
        switch self {
        case .missing: "there is no such tensor"
        case .elementType: "wrong element type"
        case .shape: "wrong shape"
        }
    }
}

extension ModelFileError.RecipeFault {
    var description: String {
        switch self {
        case .dimension: "channels, height or width is zero, unknown or not the header's"
        case .crop: "unknown crop"
        case .filter: "unknown filter"
        case .intensity: "unknown intensity mapping"
        case .window: "window is not finite, or its width not positive"
        case .scale: "scale or offset is not finite"
        }
    }
}

extension ModelFileError.LabelsFault {
    var description: String {
        switch self {
        case .byteCount: "the section's byte count is not that of its labels"
        case .activation: "unknown activation"
        case .flags: "unknown flag"
        case .temperature: "temperature is not finite and positive"
        case .outputIndex: "output index past the outputs"
        case .threshold: "threshold outside 0 to 1"
        case .emptyText: "name, or a part of the code, is empty"
        case .noScores: "calibrated, or with a threshold, without the activation that makes scores"
        }
    }
}

extension ModelFileError.CardFault {
    var description: String {
        switch self {
        case .notUTF8: "not UTF-8"
        case .tooLong: "longer than 1 MiB"
        }
    }
}

extension ModelFileError.GoldenFault {
    var description: String {
        switch self {
        case .count: "count"
        case .inputCount: "input values"
        case .outputCount: "output values"
        case .byteCount: "byte count"
        case .notFinite: "a value is infinite or not a number, index"
        }
    }
}

extension ModelFileError.Limit {
    var description: String {
        switch self {
        case .sections: "sections"
        case .tensors: "tensors"
        case .operations: "operations"
        case .labels: "labels"
        case .outputs: "outputs"
        case .fileByteCount: "file byte count"
        case .arenaByteCount: "arena byte count"
        case .scatteredRows: "rows of the arena written one by one"
        case .operatingPoints: "operating points of one label"
        }
    }
}

extension ModelFileError.OperatingPointFault {
    var description: String {
        switch self {
        case .byteCount: "byte count"
        case .label: "no label of this index with a threshold"
        case .threshold: "threshold outside 0 to 1"
        case .share: "sensitivity or specificity outside its interval, or the interval outside 0 to 1"
        case .cases: "no cases"
        case .order: "labels or thresholds do not ascend"
        case .repeatedName: "a name stands twice"
        case .noDefault: "the label's own threshold is not one of its points"
        }
    }
}

extension ModelFileError.QualityFault {
    var description: String {
        switch self {
        case .byteCount: "the byte count is not that of its rules"
        case .criterion: "unknown criterion"
        case .order: "criteria do not ascend"
        case .channels: "the criterion is not for a model of so many channels"
        case .threshold: "the threshold is out of range"
        case .cases: "no cases, or more refused ones than cases"
        }
    }
}

extension ModelFileError.ScoreFault {
    var description: String {
        switch self {
        case .byteCount: "the byte count is not that of its records"
        case .label: "no such label, or one that is not reported or has no score"
        case .order: "labels do not ascend"
        case .binCount: "too few or too many bins"
        case .cases: "no cases, or bins that do not add up to them"
        case .edge: "the edges of the bins do not ascend in 0 ... 1"
        }
    }
}

extension ModelFileError.ReadingFault {
    var description: String {
        switch self {
        case .byteCount: "the byte count is not that of a record for each label"
        case .flags: "unknown flag, or tiers of a label without a threshold"
        case .level: "the conformal level is not between 0 and 1, or the model has no softmax"
        case .region: "the code of the region is not whole, or there is no region"
        case .name: "the Chinese name is not UTF-8 padded with zeros"
        case .bound: "a bound is out of range, or bounds descend"
        case .count: "more right ones than cases"
        }
    }
}

extension ModelFileError.FeatureFault {
    var description: String {
        switch self {
        case .byteCount: "byte count"
        case .noFeature: "the plan does not end with a linear layer of one row that writes the output"
        case .overwritten: "an operation after it writes over the feature"
        case .count: "not as many values as the last layer reads"
        case .rank: "more directions than values"
        case .threshold: "threshold is not finite and positive"
        case .precision: "an inverse variance is not finite and positive"
        case .falseAlarmRate: "false-alarm rate outside 0 to 1"
        case .mean: "mean is not finite"
        case .direction: "not a unit vector"
        }
    }
}

extension OperationField {
    var description: String {
        switch self {
        case .kind: "kind"
        case .flags: "flags"
        case .rows: "rows"
        case .columns: "columns"
        case .depth: "depth"
        case .levels: "levels"
        case .input: "input"
        case .secondInput: "second input"
        case .output: "output"
        case .residual: "residual"
        case .weights: "weights"
        case .scale: "scale"
        case .bias: "bias"
        case .residualTensor: "residual"
        case .heads: "heads"
        case .keyValueHeads: "key/value heads"
        case .headWidth: "head width"
        case .parameter: "parameter"
        }
    }
}
