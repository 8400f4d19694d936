import TernModel
import TernPlatform
import TernWriter
import Testing

@Suite struct MalformedTests {
    @Test(arguments: MalformedCases.all)
    func refuses(_ malformed: Malformed) throws {
        let mapping = try MappedFile(copying: try malformed.make())
        let error = #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping, options: malformed.options) }
        #expect(error == malformed.expected)
        #expect(error?.message.hasPrefix(malformed.expected.rule + ": ") == true)
    }

    @Test func everyFaultOfEveryRuleHasAFile() {
        var covered = Set(MalformedCases.all.map { faultName($0.expected) })
        covered.insert("limitExceeded.fileByteCount")  // refusesAFileOfMoreThan4GiB
        #expect(allFaultNames.subtracting(covered).sorted() == [])
        let rules = Set(MalformedCases.all.map(\.expected.rule))
        let numbers: [String] = (1...29).map { $0 < 10 ? "F-0\($0)" : "F-\($0)" }
        #expect(rules == Set(numbers))
    }

    @Test func messagesAreOneLineOfPrintableText() {
        for malformed in MalformedCases.all {
            let message = malformed.expected.message
            #expect(message.utf8.allSatisfy { $0 >= 32 && $0 < 127 }, "\(message)")
            #expect(message.count < 240)
        }
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = try WorkedExample.bytes()
        for count in 1..<bytes.count {
            let mapping = try MappedFile(copying: Array(bytes[..<count]))
            let error = #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping) }
            #expect(error?.rule == (count < 8 ? "F-01" : "F-04"))
        }
    }

    /// A truncation that also corrects the byte count and the digests.
    @Test func refusesEveryResealedTruncation() throws {
        let bytes = try SampleModel.bytes()
        for count in ModelFormat.headerByteCount..<bytes.count {
            var cut = Array(bytes[..<count])
            ModelWriter.reseal(&cut)
            let mapping = try MappedFile(copying: cut)
            #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping, options: .init(allowsUnsigned: true)) }
        }
    }

    @Test(arguments: [false, true])
    func refusesEverySingleBitFlipOfTheHeader(isSigned: Bool) throws {
        let bytes = isSigned ? try WorkedExample.bytes() : try SampleModel.bytes()
        var rules: [String: Int] = [:]
        for bit in 0..<(ModelFormat.headerByteCount * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let mapping = try MappedFile(copying: flipped)
            let error = #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping, options: .init(allowsUnsigned: true)) }
            rules[error?.rule ?? "none", default: 0] += 1
        }
        #expect(Set(rules.keys) == ["F-01", "F-02", "F-03", "F-04", "F-05", "F-09", "F-10"], "\(rules)")
    }

    @Test func refusesAFileOfMoreThan4GiB() throws {
        let path = repository + "/.build/tern-sparse-\(UInt32.random(in: 0 ... .max)).tern"
        let byteCount = ModelFormat.limitFileByteCount + 1
        var header = Array(try SampleModel.bytes()[..<ModelFormat.headerByteCount])
        header.replaceSubrange(16..<24, with: little(UInt64(byteCount), 8))
        try writeSparseFile(path, header, byteCount: byteCount)
        defer { removeFile(path) }
        let mapping = try MappedFile(path: path)
        let error = #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping, options: .init(allowsUnsigned: true)) }
        #expect(error == .limitExceeded(.fileByteCount, declared: UInt64(byteCount), limit: 1 << 32))
    }

    /// Files under Tests/Vectors that anybody can try with another reader; the name begins with the rule.
    @Test(arguments: [
        "F-01-text-file.bin", "F-02-major-2.bin", "F-03-required-feature.bin", "F-04-header-alone.bin", "F-09-identity.bin",
        "F-25-no-default.bin", "F-26-rank.bin", "F-27-order.bin", "F-28-cases.bin", "F-29-bound.bin",
    ])
    func refusesCommittedFile(_ name: String) throws {
        let mapping = try MappedFile(path: repository + "/Tests/Vectors/TernModel/malformed/" + name)
        let error = #expect(throws: ModelFileError.self) { try ModelFile(validating: mapping, options: .init(allowsUnsigned: true)) }
        #expect(error?.rule == String(name.prefix(4)))
    }
}

/// The case of an error and, where it has one, its fault, for example `sectionTable.padding`.
private func faultName(_ error: ModelFileError) -> String {
    let text = "\(error)"
    let name = text.prefix { $0 != "(" }
    guard let payload = Mirror(reflecting: error).children.first.map({ Mirror(reflecting: $0.value) }) else { return String(name) }
    let first = payload.displayStyle == .tuple ? payload.children.first?.value : Mirror(reflecting: error).children.first?.value
    guard let fault = first, Mirror(reflecting: fault).displayStyle == .enum, !(fault is ModelFileError.Place) else { return String(name) }
    return "\(name).\(fault)"
}

private let allFaultNames: Set<String> = {
    func names<Fault: CaseIterable>(_ name: String, _ faults: Fault.Type) -> [String] { faults.allCases.map { "\(name).\($0)" } }
    let plain = [
        "notAModelFile", "unsupportedVersion", "unknownFeatures", "byteCountMismatch", "notZero", "badText", "sizeOverflow", "sectionDigest",
        "identityMismatch", "duplicateName", "notFinite", "badWeight", "scaleNotPositive",
    ]
    return Set(
        plain + names("sectionTable", ModelFileError.SectionFault.self) + names("signature", ModelFileError.SignatureFault.self)
            + names("tensorRecord", ModelFileError.TensorFault.self) + names("tensorPlacement", ModelFileError.PlacementFault.self)
            + names("operation", ModelFileError.OperationFault.self) + names("arena", ModelFileError.ArenaFault.self)
            + names("tensorReference", ModelFileError.ReferenceFault.self) + names("recipe", ModelFileError.RecipeFault.self)
            + names("labels", ModelFileError.LabelsFault.self) + names("card", ModelFileError.CardFault.self)
            + names("goldenVectors", ModelFileError.GoldenFault.self) + names("limitExceeded", ModelFileError.Limit.self)
            + names("operatingPoints", ModelFileError.OperatingPointFault.self) + names("featureStatistics", ModelFileError.FeatureFault.self)
            + names("qualityRules", ModelFileError.QualityFault.self)
            + names("scoreReference", ModelFileError.ScoreFault.self) + names("readingRules", ModelFileError.ReadingFault.self))
}()
