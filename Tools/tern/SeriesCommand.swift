import ArgumentParser
import Foundation
import TernConvert
import TernDICOM
import TernImage

struct SeriesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "series",
        abstract: "Sorts the slices of DICOM volumes by their positions and reports gaps, duplicates and mixed orientations.",
        discussion: """
            Every DICOM image in the folder and its subfolders is read up to its pixels, and grouped by Series Instance UID. Slices are sorted along
            the normal of the first one; file names and instance numbers do not count.

            Example:
              tern series study/
              tern series study/ --json | jq '.series[0].slices[].file'
            """)
    @Argument(help: "Folder with DICOM files.") var folder: String
    @Flag(help: "One JSON object instead of a table.") var json = false

    func run() throws {
        try reporting {
            let report = try SeriesReport(folder: folder)
            print(json ? report.json.text : report.text)
        }
    }
}
