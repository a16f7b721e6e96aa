using System.CommandLine;
using System.CommandLine.Help;
using Lema.Cli.Commands.ArtifactCommands;
using Lema.Cli.Commands.DatasetCommands;
using Lema.Cli.Commands.HostCommands;
using Lema.Cli.Commands.ModelCommands;
using Lema.Cli.Commands.RunCommands;
using Lema.Cli.Commands.TrainCommands;
using Lema.Cli.Help;
using Lema.Cli.Terminals;

namespace Lema.Cli.Commands;

/// <summary>The whole command tree.</summary>
internal sealed class LemaRootCommand : RootCommand
{
    public const string ProgramName = "lema-remote";

    public LemaRootCommand(CliEnvironment environment) : base("Fine-tune language models that do not fit on the card, on this machine or another.")
    {
        Environment = environment;
        HelpName = ProgramName;
        Globals.AddTo(this);
        Add(new DemoCommand());
        Add(new CommandGroup("host", "Named daemons.", new HostAddCommand(), new HostListCommand(), new HostUseCommand(), new HostRemoveCommand(), new HostCheckCommand()));
        Add(new CommandGroup("model", "Models of a host.",
            new ModelListCommand(), new ModelAddCommand(), new ModelUploadCommand(), new ModelInspectCommand(), new ModelPrepareCommand(), new ModelDeleteCommand()));
        Add(new CommandGroup("dataset", "Training data of a host.",
            new DatasetBuildCommand(), new DatasetUploadCommand(), new DatasetSplitCommand(), new DatasetListCommand(), new DatasetValidateCommand(), new DatasetPreviewCommand(), new DatasetDeleteCommand()));
        Add(new TrainCommand());
        Add(new EstimateCommand());
        Add(new CommandGroup("run", "Training runs.",
            new RunListCommand(), new RunShowCommand(), new RunWatchCommand(), new RunLogCommand(), new RunPauseCommand(), new RunResumeCommand(), new RunStopCommand(),
            new RunDeleteCommand(), new RunCompareCommand(), new RunExportCommand()));
        Add(new ChatCommand());
        Add(new EvalCommand());
        Add(new MergeCommand());
        Add(new CommandGroup("artifact", "Files of runs, models, datasets and adapters.", new ArtifactListCommand(), new ArtifactDownloadCommand(), new ArtifactUploadCommand(), new ArtifactAbortCommand()));
        Add(new DoctorCommand());
        Add(new CompletionCommand());
        Add(new ReferenceCommand());
        foreach (HelpOption help in Options.OfType<HelpOption>())
        {
            HelpAction usual = (HelpAction)help.Action!;
            usual.MaxWidth = environment.OutWidth();
            help.Action = new HelpWithExamples(usual);
            // They look like paths, and would be offered as completions.
            foreach (string alias in help.Aliases.Where(a => a.StartsWith('/')).ToArray()) help.Aliases.Remove(alias);
        }
        ValueNames.Complete(this);
        new NameCompletion(environment, Globals).AttachTo(this);
    }

    public CliEnvironment Environment { get; }

    public GlobalOptions Globals { get; } = new();
}
