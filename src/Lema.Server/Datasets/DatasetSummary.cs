using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Inspection;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;

namespace Lema.Server.Datasets;

/// <summary>What a dataset file is, told from its first rows: its format, and how many rows there are.</summary>
internal sealed record DatasetSummary(string Format, long Rows)
{
    /// <summary>Whether a file's ending is one of a dataset, compressed or not.</summary>
    public static bool IsEnding(string ending) => ending == ".safetensors" || DatasetFile.IsEnding(ending);

    /// <exception cref="InvalidInputException">The file is no dataset.</exception>
    public static DatasetSummary Read(string file, string ending)
    {
        if (ending == ".safetensors")
        {
            using PretokenizedData data = PretokenizedData.Open(file);
            return new DatasetSummary(PretokenizedInspection.Format, data.RowCount);
        }
        DetectedFormat format = FormatDetector.Detect(file, DatasetFile.Read(file, ending));
        return new DatasetSummary(format.Name, DatasetFile.Read(file, ending).LongCount());
    }
}
