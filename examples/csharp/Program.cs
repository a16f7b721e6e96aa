// Starts a run on a Lema daemon and follows it to its end, also over lost connections.
//     dotnet run --project examples/csharp -- http://127.0.0.1:5090 DATA/admin.token lema-tiny my-rows
using Lema.Protocol.Client;
using Lema.Protocol.V1;

if (args is not [var address, var tokenFile, var model, var dataset])
{
    Console.Error.WriteLine("usage: FollowRun ADDRESS TOKEN_FILE MODEL DATASET");
    return 2;
}
using var channel = DaemonChannel.Create(new DaemonOptions { Address = new Uri(address), TokenFile = tokenFile });
Training.TrainingClient training = new(channel);
RunDetail run = await training.StartRunAsync(new StartRunRequest { Model = model, Dataset = dataset, Settings = new RunSettings { Steps = 20 } });
Console.WriteLine($"run {run.Summary.Name}");

await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(training, new WatchRunRequest { Run = run.Summary.Id, AfterSequence = 0 }))
{
    if (update is StreamUpdate<WatchRunResponse>.Lost lost) Console.WriteLine($"connection lost ({lost.Reason.Message}), trying again in {lost.RetryIn}");
    if (update is not StreamUpdate<WatchRunResponse>.Message { Value.Events: { } events }) continue;
    foreach (RunEvent change in events.Events)
    {
        foreach (StepPoint point in change.Steps?.Points ?? []) Console.WriteLine($"step {point.Step} loss {point.Loss:F4}");
        if (change.State is { } state) Console.WriteLine($"state {state.To} {state.Reason}");
    }
}
RunDetail ended = await training.GetRunAsync(new GetRunRequest { Run = run.Summary.Id });
return ended.Summary.State == RunState.Completed ? 0 : 1;
