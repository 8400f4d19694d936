/// Why a screening does not begin, or does not go on. `errno` values are those of Linux.
public enum ScreeningError: Error, Equatable, Sendable {
    /// What a screening could not do.
    public enum Place: Equatable, Sendable {
        /// The folder that is screened, as a whole.
        case folder
        /// The folder that the results go to.
        case output
        /// What a restart needs of the screening, in `state` of the output folder.
        case state
        /// `findings.jsonl`, `findings.csv`, `report.html` or `report-files`.
        case results
    }
    case system(Place, errno: Int32)
    /// Not a folder.
    case notAFolder(Place)
    /// More files than one screening takes.
    case tooManyFiles(limit: Int)
    /// More names in its folders than are held in memory, whatever they name.
    case tooManyEntries(limit: Int)
    /// Another process has the output folder.
    case busy
    /// The output folder holds a file of a result's name that is no screening's.
    case notOurs(name: String)
    /// The output folder holds the screening of something else.
    case settingsDiffer(ScreeningSettings.Part)
    /// The output folder's description of its screening cannot be read.
    case settingsDamaged
    /// Somebody asked to stop.
    case stopped
}
