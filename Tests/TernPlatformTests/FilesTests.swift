import Foundation
import TernPlatform
import Testing

@Suite struct FilesTests {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "tern-files-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: folder) }

    @Test func mapsWhatWasWritten() throws {
        defer { cleanUp() }
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        try writeFileAtomically(folder + "/a", bytes)
        let mapping = try MappedFile(path: folder + "/a")
        #expect(mapping.bytes.byteCount == bytes.count)
        #expect(Digest.sha256(mapping.bytes) == Digest.sha256(bytes))
        #expect(try readFile(folder + "/a", limitByteCount: 10_000) == bytes)
    }

    @Test func whatCannotBeCutNowIsCutBeforeTheNextAppend() throws {
        defer { cleanUp() }
        let path = folder + "/grows"
        let file = try AppendFile(path: path)
        try file.append(Array("one\ntwo\n".utf8))
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").first {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0))?.hasSuffix(path) == true
            })
        let descriptor = try #require(Int32(name))
        // A device in its place cannot be cut.
        let kept = dup(descriptor), device = unsafe open("/dev/null", O_RDWR)
        #expect(dup2(device, descriptor) == descriptor)
        #expect(throws: PlatformError.openFailed(errno: EINVAL)) { try file.truncate(to: 4) }
        #expect(file.isDamaged && file.byteCount == 4)
        #expect(throws: PlatformError.openFailed(errno: EINVAL)) { try file.append(Array("lost\n".utf8)) }
        #expect(dup2(kept, descriptor) == descriptor)
        try file.append(Array("three\n".utf8))
        #expect(try !file.isDamaged && readFile(path, limitByteCount: 100) == Array("one\nthree\n".utf8))
        close(kept)
        close(device)
    }

    @Test func copiesBytesToAPage() throws {
        defer { cleanUp() }
        let mapping = try MappedFile(copying: [1, 2, 3])
        #expect(mapping.bytes.byteCount == 3)
        let address = unsafe mapping.bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(address % 4096 == 0)
        #expect(throws: PlatformError.emptyFile) { try MappedFile(copying: [] as [UInt8]) }
    }

    @Test func mappingOutlivesAReplacedFile() throws {
        defer { cleanUp() }
        try writeFileAtomically(folder + "/a", [1, 1, 1])
        let mapping = try MappedFile(path: folder + "/a")
        try writeFileAtomically(folder + "/a", [2])
        #expect(Digest.sha256(mapping.bytes) == Digest.sha256([1, 1, 1]))
        #expect(try readFile(folder + "/a", limitByteCount: 1) == [2])
    }

    @Test func namesWhatIsWrongWithAFile() throws {
        defer { cleanUp() }
        #expect(throws: PlatformError.openFailed(errno: ENOENT)) { try MappedFile(path: folder + "/none") }
        #expect(throws: PlatformError.openFailed(errno: ENOENT)) { try readFile(folder + "/none", limitByteCount: 1) }
        #expect(throws: PlatformError.notARegularFile) { try MappedFile(path: folder) }
        #expect(throws: PlatformError.notARegularFile) { try readFile(folder, limitByteCount: 1) }
        #expect(throws: PlatformError.notARegularFile) { try MappedFile(path: "/dev/null") }
        #expect(throws: PlatformError.badPath) { try MappedFile(path: "a\0b") }
        try writeFileAtomically(folder + "/empty", [])
        #expect(throws: PlatformError.emptyFile) { try MappedFile(path: folder + "/empty") }
        #expect(try readFile(folder + "/empty", limitByteCount: 0) == [])
    }

    /// A pipe that nobody writes to must not stop the reader.
    @Test func refusesANamedPipeWithoutWaiting() throws {
        defer { cleanUp() }
        let path = folder + "/pipe"
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(throws: PlatformError.notARegularFile) { try MappedFile(path: path) }
        #expect(throws: PlatformError.notARegularFile) { try readFile(path, limitByteCount: 1) }
    }

    @Test func refusesMoreThanTheLimit() throws {
        defer { cleanUp() }
        try writeFileAtomically(folder + "/a", [1, 2, 3])
        #expect(throws: PlatformError.fileTooLarge(limitByteCount: 2)) { try readFile(folder + "/a", limitByteCount: 2) }
        #expect(try readFile(folder + "/a", limitByteCount: 3) == [1, 2, 3])
    }

    @Test(.enabled(if: getuid() != 0, "root may read every file"))
    func namesAMissingPermission() throws {
        defer { cleanUp() }
        try writeFileAtomically(folder + "/a", [1])
        #expect(unsafe chmod(folder + "/a", 0) == 0)
        #expect(throws: PlatformError.openFailed(errno: EACCES)) { try MappedFile(path: folder + "/a") }
    }

    @Test func leavesNothingBehindWhenWritingFails() throws {
        defer { cleanUp() }
        #expect(throws: PlatformError.openFailed(errno: ENOENT)) { try writeFileAtomically(folder + "/none/a", [1]) }
        try FileManager.default.createDirectory(atPath: folder + "/directory/inside", withIntermediateDirectories: true)
        let error = #expect(throws: PlatformError.self) { try writeFileAtomically(folder + "/directory", [1]) }
        #expect(error == .openFailed(errno: EISDIR) || error == .openFailed(errno: ENOTEMPTY))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["directory"])
    }

    /// Also where a file that all may read is replaced.
    @Test(arguments: [0o600, 0o640] as [UInt32]) func givesTheMode(_ mode: UInt32) throws {
        defer { cleanUp() }
        try writeFileAtomically(folder + "/key", [1])
        try writeFileAtomically(folder + "/key", [1], mode: mode)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/key")
        #expect(attributes[.posixPermissions] as? Int == Int(mode))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["key"])
    }
}
