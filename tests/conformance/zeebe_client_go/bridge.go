// The unmodified Go client, told what to call by lines of JSON on standard input: {"id", "call", "arguments"}. Each answer is a line,
// {"id", "answer"} or {"id", "code", "details"}; jobs of streams and workers come as {"id", "job"}. What the client has no command for
// (modification, migration) goes by the calls that it makes of its own copy of the protocol.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/camunda/zeebe/clients/go/v8/pkg/entities"
	"github.com/camunda/zeebe/clients/go/v8/pkg/pb"
	"github.com/camunda/zeebe/clients/go/v8/pkg/worker"
	"github.com/camunda/zeebe/clients/go/v8/pkg/zbc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type bearer string

func (token bearer) ApplyCredentials(_ context.Context, headers map[string]string) error {
	if token != "" {
		headers["Authorization"] = "Bearer " + string(token)
	}
	return nil
}

func (bearer) ShouldRetryRequest(context.Context, error) bool { return false }

type call struct {
	ID        int64           `json:"id"`
	Call      string          `json:"call"`
	Arguments json.RawMessage `json:"arguments"`
}

// What any call may be given; keys are larger than a number of JavaScript may be.
type arguments struct {
	Name, Text, BpmnProcessId, CorrelationKey, MessageId, SignalName, Type, Worker, ErrorCode, ErrorMessage, DecisionId string
	Key, JobKey, ElementInstanceKey, DecisionKey                                                                        string
	Version                                                                                                             *int32
	Retries, MaxJobsToActivate                                                                                          int32
	Timeout, RequestTimeout, RetryBackOff, TimeToLive, Opened                                                           int64
	Local                                                                                                               bool
	StartElements, FetchVariables, FetchVariable                                                                        []string
	Variables                                                                                                           json.RawMessage
	Resources                                                                                                           []struct{ Name, Text string }
}

func (a arguments) variables() string {
	if len(a.Variables) == 0 {
		return "{}"
	}
	return string(a.Variables)
}

func key(text string) int64 {
	number, _ := strconv.ParseInt(text, 10, 64)
	return number
}

func span(milliseconds int64) time.Duration { return time.Duration(milliseconds) * time.Millisecond }

type bridge struct {
	client  zbc.Client
	gateway pb.GatewayClient
	printed sync.Mutex
	opened  sync.Map // id → what closes it
}

func (b *bridge) print(id int64, name string, value any, more ...any) {
	line := map[string]any{"id": id, name: value}
	if len(more) > 0 {
		line["details"] = more[0]
	}
	text, err := json.Marshal(line)
	if err != nil {
		log.Fatal(err)
	}
	b.printed.Lock()
	defer b.printed.Unlock()
	fmt.Println(string(text))
}

func asJSON(message proto.Message) json.RawMessage {
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(message)
	if err != nil {
		log.Fatal(err)
	}
	return text
}

func (b *bridge) tell(id int64, job entities.Job) { b.print(id, "job", asJSON(job.ActivatedJob)) }

func (b *bridge) answer(asked call) {
	given, err := b.perform(asked)
	if err != nil {
		b.print(asked.ID, "code", status.Code(err), status.Convert(err).Message())
		return
	}
	if message, ok := given.(proto.Message); ok {
		given = asJSON(message)
	}
	b.print(asked.ID, "answer", given)
}

// The client asks the engine to answer a tenth of the time before its own deadline, at most 10 s before.
func within(milliseconds int64) (context.Context, context.CancelFunc) {
	if milliseconds <= 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), span(milliseconds)*10/9+5*time.Millisecond)
}

func nothing(err error) (any, error) { return struct{}{}, err }

func (b *bridge) perform(asked call) (any, error) {
	ctx := context.Background()
	switch asked.Call { // what the protocol itself says is read as such
	case "modify":
		request := &pb.ModifyProcessInstanceRequest{}
		if err := protojson.Unmarshal(asked.Arguments, request); err != nil {
			return nil, err
		}
		return b.gateway.ModifyProcessInstance(ctx, request)
	case "migrate":
		request := &pb.MigrateProcessInstanceRequest{}
		if err := protojson.Unmarshal(asked.Arguments, request); err != nil {
			return nil, err
		}
		return b.gateway.MigrateProcessInstance(ctx, request)
	}
	var a arguments
	if err := json.Unmarshal(asked.Arguments, &a); err != nil {
		return nil, err
	}
	switch asked.Call {
	case "topology":
		return b.client.NewTopologyCommand().Send(ctx)
	case "deployProcess":
		return b.client.NewDeployProcessCommand().AddResource([]byte(a.Text), a.Name).Send(ctx) //nolint
	case "deployResource":
		command := b.client.NewDeployResourceCommand()
		for _, one := range a.Resources {
			command = command.AddResource([]byte(one.Text), one.Name)
		}
		return command.Send(ctx)
	case "create", "createWithResult":
		return b.create(asked.Call, a)
	case "cancel":
		return b.client.NewCancelInstanceCommand().ProcessInstanceKey(key(a.Key)).Send(ctx)
	case "publish":
		command, err := b.client.NewPublishMessageCommand().MessageName(a.Name).CorrelationKey(a.CorrelationKey).MessageId(a.MessageId).TimeToLive(span(a.TimeToLive)).VariablesFromString(a.variables())
		if err != nil {
			return nil, err
		}
		return command.Send(ctx)
	case "broadcast":
		command, err := b.client.NewBroadcastSignalCommand().SignalName(a.SignalName).VariablesFromString(a.variables())
		if err != nil {
			return nil, err
		}
		return command.Send(ctx)
	case "activate":
		return b.activate(a)
	case "stream":
		return nothing(b.stream(asked.ID, a))
	case "worker":
		opened := b.client.NewJobWorker().JobType(a.Type).Handler(func(_ worker.JobClient, job entities.Job) { b.tell(asked.ID, job) }).Open()
		b.opened.Store(asked.ID, func() { opened.Close(); opened.AwaitClose() })
		return nothing(nil)
	case "closeOpen":
		closer, _ := b.opened.LoadAndDelete(a.Opened)
		closer.(func())()
		return nothing(nil)
	case "evaluate":
		return b.evaluate(a)
	case "deleteResource":
		return b.client.NewDeleteResourceCommand().ResourceKey(key(a.Key)).Send(ctx)
	case "resolve":
		return b.client.NewResolveIncidentCommand().IncidentKey(key(a.Key)).Send(ctx)
	case "setVariables":
		command, err := b.client.NewSetVariablesCommand().ElementInstanceKey(key(a.ElementInstanceKey)).VariablesFromString(a.variables())
		if err != nil {
			return nil, err
		}
		return command.Local(a.Local).Send(ctx)
	case "close":
		return nothing(b.client.Close())
	}
	return b.performOnJob(asked.Call, a)
}

func (b *bridge) performOnJob(what string, a arguments) (any, error) {
	ctx := context.Background()
	switch what {
	case "complete":
		command, err := b.client.NewCompleteJobCommand().JobKey(key(a.Key)).VariablesFromString(a.variables())
		if err != nil {
			return nil, err
		}
		return command.Send(ctx)
	case "fail":
		command, err := b.client.NewFailJobCommand().JobKey(key(a.JobKey)).Retries(a.Retries).RetryBackoff(span(a.RetryBackOff)).ErrorMessage(a.ErrorMessage).VariablesFromString(a.variables())
		if err != nil {
			return nil, err
		}
		return command.Send(ctx)
	case "throwError":
		return b.client.NewThrowErrorCommand().JobKey(key(a.JobKey)).ErrorCode(a.ErrorCode).ErrorMessage(a.ErrorMessage).Send(ctx)
	case "updateRetries":
		return b.client.NewUpdateJobRetriesCommand().JobKey(key(a.Key)).Retries(a.Retries).Send(ctx)
	case "updateTimeout":
		return b.client.NewUpdateJobTimeoutCommand().JobKey(key(a.Key)).Timeout(a.Timeout).Send(ctx)
	}
	return nil, fmt.Errorf("no such call: %s", what)
}

func (b *bridge) create(what string, a arguments) (any, error) {
	named := b.client.NewCreateInstanceCommand().BPMNProcessId(a.BpmnProcessId)
	command := named.LatestVersion()
	if a.Version != nil {
		command = named.Version(*a.Version)
	}
	command, err := command.VariablesFromString(a.variables())
	if err != nil {
		return nil, err
	}
	for _, element := range a.StartElements {
		command = command.StartBeforeElement(element)
	}
	ctx, cancel := within(a.RequestTimeout)
	defer cancel()
	if what == "create" {
		return command.Send(ctx)
	}
	return command.WithResult().FetchVariables(a.FetchVariables...).Send(ctx)
}

func (b *bridge) activate(a arguments) (any, error) {
	ctx, cancel := within(a.RequestTimeout)
	defer cancel()
	jobs, err := b.client.NewActivateJobsCommand().JobType(a.Type).MaxJobsToActivate(a.MaxJobsToActivate).Timeout(span(a.Timeout)).WorkerName(a.Worker).FetchVariables(a.FetchVariable...).Send(ctx)
	texts := make([]json.RawMessage, 0, len(jobs))
	for _, job := range jobs {
		texts = append(texts, asJSON(job.ActivatedJob))
	}
	return map[string]any{"jobs": texts}, err
}

func (b *bridge) stream(id int64, a arguments) error {
	ctx, cancel := context.WithCancel(context.Background())
	jobs := make(chan entities.Job)
	go func() {
		for job := range jobs {
			b.tell(id, job)
		}
	}()
	go func() {
		_ = b.client.NewStreamJobsCommand().JobType(a.Type).Consumer(jobs).WorkerName(a.Worker).Timeout(span(a.Timeout)).Send(ctx)
		close(jobs)
	}()
	b.opened.Store(id, func() { cancel() })
	return nil
}

func (b *bridge) evaluate(a arguments) (any, error) {
	command := b.client.NewEvaluateDecisionCommand().DecisionId(a.DecisionId)
	if a.DecisionKey != "" {
		command = b.client.NewEvaluateDecisionCommand().DecisionKey(key(a.DecisionKey))
	}
	command, err := command.VariablesFromString(a.variables())
	if err != nil {
		return nil, err
	}
	return command.Send(context.Background())
}

func main() {
	token := bearer("")
	if len(os.Args) > 2 {
		token = bearer(os.Args[2])
	}
	client, err := zbc.NewClient(&zbc.ClientConfig{GatewayAddress: os.Args[1], UsePlaintextConnection: true, CredentialsProvider: token})
	if err != nil {
		log.Fatal(err)
	}
	connection, err := grpc.Dial(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	b := &bridge{client: client, gateway: pb.NewGatewayClient(connection)}
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked call
		if err := json.Unmarshal(line, &asked); err != nil {
			log.Fatal(err)
		}
		go b.answer(asked)
	}
}
