import TernModel
import TernPlatform
import TernWriter
import Testing

/// A file that breaks one rule, and the error it must give.
struct Malformed: Sendable, CustomTestStringConvertible {
    let what: String
    let expected: ModelFileError
    let options: ModelFile.Options
    let make: @Sendable () throws -> [UInt8]

    init(
        _ what: String, _ expected: ModelFileError, options: ModelFile.Options = .init(allowsUnsigned: true),
        make: @escaping @Sendable () throws -> [UInt8]
    ) {
        self.what = what
        self.expected = expected
        self.options = options
        self.make = make
    }

    /// The sample model with other bytes at an offset, digests made right again.
    static func patched(_ what: String, _ expected: ModelFileError, at offset: Int, _ bytes: [UInt8]) -> Malformed {
        Malformed(what, expected) { try patch(SampleModel.bytes(), at: offset, bytes) }
    }

    static func patched(_ what: String, _ expected: ModelFileError, at offset: Int, u32 value: UInt32) -> Malformed {
        patched(what, expected, at: offset, little(UInt64(value), 4))
    }

    static func patched(_ what: String, _ expected: ModelFileError, at offset: Int, f32 value: Float) -> Malformed {
        patched(what, expected, at: offset, u32: value.bitPattern)
    }

    /// The sample model with a change in its draft.
    static func drafted(_ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout ModelDraft) throws -> Void) -> Malformed {
        Malformed(what, expected) {
            var draft = try SampleModel.draft()
            try change(&draft)
            return try ModelWriter.uncheckedBytes(of: draft)
        }
    }

    /// The sample model with a change in its sections, laid out anew.
    static func sectioned(
        _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [DraftSection]) -> Void
    ) -> Malformed {
        Malformed(what, expected) {
            let draft = try SampleModel.draft()
            var sections = try ModelWriter.sections(of: draft)
            change(&sections)
            return try ModelWriter.assemble(draft, sections: sections)
        }
    }

    /// One operation of the sample model changed.
    static func operation(
        _ index: Int, _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout Operation) -> Void
    ) -> Malformed {
        drafted(what, expected) { change(&$0.operations[index].operation) }
    }

    /// The bytes of the sample model whose class token is `f16`, changed.
    static func half(_ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [UInt8]) -> Void) -> Malformed {
        Malformed(what, expected) {
            var bytes = try ModelWriter.uncheckedBytes(of: SampleModel.halfDraft())
            change(&bytes)
            return bytes
        }
    }

    /// The sample model with operating points and statistics, and other bytes at an offset, digests made right again.
    static func measured(_ what: String, _ expected: ModelFileError, at offset: Int, _ bytes: [UInt8]) -> Malformed {
        Malformed(what, expected) { patch(try ModelWriter.uncheckedBytes(of: SampleModel.measuredDraft()), at: offset, bytes) }
    }

    static func measured(_ what: String, _ expected: ModelFileError, at offset: Int, f32 value: Float) -> Malformed {
        measured(what, expected, at: offset, little(UInt64(value.bitPattern), 4))
    }

    /// The sample model with operating points and statistics, and a change in its draft.
    static func remeasured(_ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout ModelDraft) throws -> Void) -> Malformed {
        Malformed(what, expected) {
            var draft = try SampleModel.measuredDraft()
            try change(&draft)
            return try ModelWriter.uncheckedBytes(of: draft)
        }
    }

    /// The same with a change in its sections, laid out anew.
    static func resectioned(
        _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [DraftSection]) -> Void
    ) -> Malformed {
        Malformed(what, expected) {
            let draft = try SampleModel.measuredDraft()
            var sections = try ModelWriter.sections(of: draft)
            change(&sections)
            return try ModelWriter.assemble(draft, sections: sections)
        }
    }

    /// The sample model with a quality gate, and other bytes at an offset of its section, digests made right again.
    static func gated(_ what: String, _ expected: ModelFileError, at offset: Int, _ bytes: [UInt8]) -> Malformed {
        Malformed(what, expected) { patch(try ModelWriter.uncheckedBytes(of: SampleModel.gatedDraft()), at: offset, bytes) }
    }

    static func gated(_ what: String, _ expected: ModelFileError, at offset: Int, f32 value: Float) -> Malformed {
        gated(what, expected, at: offset, little(UInt64(value.bitPattern), 4))
    }

    /// The same with a change in its sections, laid out anew.
    static func regated(
        _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [DraftSection]) -> Void
    ) -> Malformed {
        Malformed(what, expected) {
            let draft = try SampleModel.gatedDraft()
            var sections = try ModelWriter.sections(of: draft)
            change(&sections)
            return try ModelWriter.assemble(draft, sections: sections)
        }
    }

    /// The sample model with a score reference, and other bytes at an offset of its section, digests made right again.
    static func scored(_ what: String, _ expected: ModelFileError, at offset: Int, _ bytes: [UInt8]) -> Malformed {
        Malformed(what, expected) { patch(try ModelWriter.uncheckedBytes(of: SampleModel.scoredDraft()), at: offset, bytes) }
    }

    /// The same with a change in the draft.
    static func rescored(_ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout ModelDraft) -> Void) -> Malformed {
        Malformed(what, expected) {
            var draft = try SampleModel.scoredDraft()
            change(&draft)
            return try ModelWriter.uncheckedBytes(of: draft)
        }
    }

    /// The same with a change in its sections, laid out anew.
    static func resorted(
        _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [DraftSection]) -> Void
    ) -> Malformed {
        Malformed(what, expected) {
            let draft = try SampleModel.scoredDraft()
            var sections = try ModelWriter.sections(of: draft)
            change(&sections)
            return try ModelWriter.assemble(draft, sections: sections)
        }
    }

    /// The sample model with reading rules and other bytes at an offset.
    static func read(_ what: String, _ expected: ModelFileError, at offset: Int, _ bytes: [UInt8]) -> Malformed {
        Malformed(what, expected) { patch(try ModelWriter.uncheckedBytes(of: SampleModel.readingDraft()), at: offset, bytes) }
    }

    /// The same with a change in the draft.
    static func reread(_ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout ModelDraft) -> Void) -> Malformed {
        Malformed(what, expected) {
            var draft = try SampleModel.readingDraft()
            change(&draft)
            return try ModelWriter.uncheckedBytes(of: draft)
        }
    }

    /// The same with a change in its sections, laid out anew.
    static func reordered(
        _ what: String, _ expected: ModelFileError, _ change: @escaping @Sendable (inout [DraftSection]) -> Void
    ) -> Malformed {
        Malformed(what, expected) {
            let draft = try SampleModel.readingDraft()
            var sections = try ModelWriter.sections(of: draft)
            change(&sections)
            return try ModelWriter.assemble(draft, sections: sections)
        }
    }

    /// The sample model with one tensor of zeros in `f16`, and an operation changed.
    static func narrowed(
        _ index: Int, _ what: String, _ expected: ModelFileError, tensor: Int,
        _ change: @escaping @Sendable (inout Operation) -> Void = { _ in }
    ) -> Malformed {
        drafted(what, expected) {
            let old = $0.tensors[tensor]
            let zeros = [Float16](repeating: 0, count: old.dimensions.reduce(1, *))
            $0.tensors[tensor] = DraftTensor(name: old.name, halves: zeros, dimensions: old.dimensions)
            change(&$0.operations[index].operation)
        }
    }

    var testDescription: String { "\(expected.rule) \(what)" }
}

func patch(_ bytes: [UInt8], at offset: Int, _ replacement: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes.replaceSubrange(offset..<(offset + replacement.count), with: replacement)
    ModelWriter.reseal(&bytes)
    return bytes
}

func little(_ value: UInt64, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

extension Operation {
    /// The linear layer, for a change in place.
    var linear: Linear {
        get {
            if case .linear(let linear) = self { return linear }
            preconditionFailure("not a linear layer")
        }
        set { self = .linear(newValue) }
    }
    var attention: Attention {
        get {
            if case .attention(let attention) = self { return attention }
            preconditionFailure("not attention")
        }
        set { self = .attention(newValue) }
    }
    var layerNorm: LayerNorm {
        get {
            if case .layerNorm(let norm) = self { return norm }
            preconditionFailure("not a layer norm")
        }
        set { self = .layerNorm(newValue) }
    }
    var patches: Patches {
        get {
            if case .patches(let patches) = self { return patches }
            preconditionFailure("not patches")
        }
        set { self = .patches(newValue) }
    }
}
