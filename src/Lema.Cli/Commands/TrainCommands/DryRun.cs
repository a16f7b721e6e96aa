using Lema.Cli.Commands.DatasetCommands;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Cli.RunFiles;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>The plan of a run, without starting it.</summary>
internal static class DryRun
{
    private const int ExampleRows = 2;

    /// <param name="examples">Whether the first rows are shown with their masks.</param>
    /// <returns><see cref="ExitCode.OverBudget"/> when the run does not fit.</returns>
    public static async Task<int> ShowAsync(RunFile file, HostConnection host, Output output, bool examples, CancellationToken cancellation)
    {
        EstimateRunRequest request = new() { Model = file.Model, Dataset = file.Dataset, Settings = file.Settings };
        Estimate estimate = await RunFileCheck.AskAsync(file, () => host.Training.EstimateRunAsync(request, cancellationToken: cancellation).ResponseAsync);
        output.Result(estimate, console => EstimateText.Write(console, estimate));
        if (!estimate.Fits) throw new CliException(ExitCode.OverBudget, estimate.Reason);
        if (!examples || output.Json) return ExitCode.Done;
        PreviewDatasetRequest wanted = new() { Name = file.Dataset, Model = file.Model, Count = ExampleRows, MaxLength = file.Settings.MaxLength, Data = file.Settings.Data };
        PreviewDatasetResponse preview = await host.Datasets.PreviewDatasetAsync(wanted, cancellationToken: cancellation);
        foreach (PreviewRow row in preview.Rows)
        {
            output.Text.WriteLine();
            DatasetText.WritePreview(output.Text, row);
        }
        return ExitCode.Done;
    }
}
