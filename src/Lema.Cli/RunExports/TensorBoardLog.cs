using Lema.Cli.Files;

namespace Lema.Cli.RunExports;

/// <summary>A run as a TensorBoard event file with the tags that transformers' Trainer writes.</summary>
internal static class TensorBoardLog
{
    private static readonly (string Series, string Tag)[] Tags =
    [
        ("loss", "train/loss"),
        ("learning_rate", "train/learning_rate"),
        ("grad_norm", "train/grad_norm"),
        ("tokens_per_second", "train/tokens_per_second"),
        ("evaluation_loss", "eval/loss"),
        ("valid_format_share", "eval/valid_format_share"),
        ("right_answer_share", "eval/right_answer_share"),
    ];

    /// <summary>Writes the event file into a folder and returns its full name.</summary>
    public static string Write(RunHistory history, string folder)
    {
        DateTimeOffset started = (history.Run.Summary.Started ?? history.Run.Summary.Created).ToDateTimeOffset();
        double start = started.ToUnixTimeMilliseconds() / 1000.0;
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, $"events.out.tfevents.{started.ToUnixTimeSeconds()}.lema");
        ResultFile.Write(file, stream => Write(history, new TensorBoardWriter(stream), start));
        return file;
    }

    private static void Write(RunHistory history, TensorBoardWriter writer, double start)
    {
        writer.WriteHeader(start);
        foreach (long step in history.Steps)
        {
            double time = start + (history.Seconds.TryGetValue(step, out double seconds) ? seconds : 0);
            foreach ((string series, string tag) in Tags)
            {
                if (history.At(series, step) is { } value) writer.WriteScalar(tag, step, value, time);
            }
        }
    }
}
