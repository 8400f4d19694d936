import ArgumentParser
import Foundation
import TernConvert
import TernModel
import TernPlatform
import TernWriter

/// What ends a command: a message that says what to do next, and an exit code of the table in `ternd`.
struct Failure: Error, CustomStringConvertible {
    enum Kind: Int32 {
        case badInput = 65
        case cannotOpen = 66
        case fault = 70
        case inputOutput = 74
    }
    var kind: Kind
    var description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// Runs a command's body; turns errors of the libraries into a line on standard error and an exit code.
func reporting(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let failure as Failure {
        writeError("tern: \(failure.description)\n")
        throw ExitCode(failure.kind.rawValue)
    } catch let error as ConvertError {
        writeError("tern: \(error)\n")
        throw ExitCode(Failure.Kind.badInput.rawValue)
    }
}

/// What an error of the platform says to a person.
func words(_ error: PlatformError) -> String {
    switch error {
    case .openFailed(let errno): unsafe String(cString: strerror(errno))
    case .notARegularFile: "it is not a regular file"
    case .emptyFile: "it is empty"
    case .fileTooLarge(let limitByteCount): "it holds more than \(limitByteCount) bytes"
    case .badPath: "the path holds a zero byte"
    case .cryptographyFailed: "libsodium could not be started or refused to sign"
    case .wrongKeyByteCount(let expected, let actual): "a key of \(actual) bytes where \(expected) are needed"
    }
}

/// Maps a file.
func mapFile(_ path: String) throws(Failure) -> MappedFile {
    do throws(PlatformError) {
        return try MappedFile(path: path)
    } catch {
        throw Failure(.cannotOpen, "cannot open \(path): \(words(error)); check the path and that the file may be read")
    }
}

/// Opens and validates a model file; unsigned ones too, since this is the workstation.
func openModel(_ path: String) throws(Failure) -> ModelFile {
    let mapping = try mapFile(path)
    do throws(ModelFileError) {
        return try ModelFile(validating: mapping, options: ModelFile.Options(allowsUnsigned: true))
    } catch {
        throw Failure(.badInput, "\(path) is not a valid model file: \(error.message) (Models/FORMAT.md)")
    }
}

/// The bytes of a file of at most `limit` bytes.
func readBytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    do throws(PlatformError) {
        return try readFile(path, limitByteCount: limit)
    } catch {
        throw Failure(.cannotOpen, "cannot read \(path): \(words(error)); check the path and that the file may be read")
    }
}

func writeFile(_ bytes: [UInt8], to path: String, isPrivate: Bool = false) throws(Failure) {
    do throws(PlatformError) {
        try writeFileAtomically(path, bytes, mode: isPrivate ? 0o600 : 0o644)
    } catch {
        throw Failure(.inputOutput, "cannot write \(path): \(words(error)); check that the folder exists and has room")
    }
}
