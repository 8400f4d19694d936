import TernModel
import TernPlatform
import TernWriter
import Testing

func load(_ bytes: [UInt8], _ options: ModelFile.Options = .init(allowsUnsigned: true)) throws -> ModelFile {
    try ModelFile(validating: try MappedFile(copying: bytes), options: options)
}

@Test func readsWhatTheWriterWrote() throws {
    let draft = try SampleModel.draft()
    let file = try load(try ModelWriter.bytes(of: draft))
    #expect(file.header == draft.header)
    #expect(file.operations == draft.operations)
    #expect(file.recipe == draft.recipe)
    #expect(file.labels == draft.labels)
    #expect(file.signature == .unsigned)
    #expect(file.goldenCount == 1)
}
