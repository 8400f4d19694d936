import Foundation

/// A file of which only the first bytes take room on disk.
func writeSparseFile(_ path: String, _ head: [UInt8], byteCount: Int) throws {
    try Data(head).write(to: URL(fileURLWithPath: path))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: UInt64(byteCount))
    try file.close()
}

func removeFile(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
