# Everything one does with Polder, one target each. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up observe demo status logs stop start down reset test browser pictures verify chaos mutation soak manage migrations contracts docs check bench lock

VENV   := sh deploy/local/venv.sh
PYTHON_RUN := .venv/bin/python
# rabbitmq=4: the servers of tests come from a Debian 13 root, made at the first use, and not from this machine's packages.
OTHER_RABBITMQ := $(if $(filter 4,$(rabbitmq)),POLDER_RABBITMQ_ROOT="$$(sh tools/rabbitmq4.sh)" && export POLDER_RABBITMQ_ROOT &&)

help: ## this list
	@echo "Polder. The targets:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 19

up: ## start everything; without Docker it stays in the foreground, and Ctrl-C stops it
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy up

observe: ## Prometheus and Alertmanager on the shop of `make up`, by Debian's packages (with Docker: profile observability)
	@exec sh deploy/local/observe.sh

demo: ## the story on a running shop, compared row by row after each step (brings it up if it is down; keep=1)
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m demo $(if $(keep),--keep)

status: ## each process with its id, state, age and restarts
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy status

logs: ## follow all logs, or those of service=order, service=inventory-worker, ...
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy logs $(service)

stop: ## stop service=inventory, or one process: service=order-relay, service=rabbitmq, ...
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy stop $(service)

start: ## start again what `make stop` stopped: service=...
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy start $(service)

down: ## stop what `make up` started
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy down

reset: ## delete all data and passwords (asks first; yes=1 does not)
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy reset $(if $(yes),--yes)

test: ## all tests but the long ones, with servers of their own (full=1: all; rabbitmq=4: on RabbitMQ 4)
	@$(VENV) requirements-dev.txt
	@$(OTHER_RABBITMQ) exec $(PYTHON_RUN) -m tests $(if $(full),--full)

browser: ## install Debian's chromium, as root: with it, `make test` also looks at the pages in a browser
	@sh deploy/local/packages.sh chromium

pictures: ## take the pictures of the docs anew, in chromium (`make browser`), of a shop in which something goes wrong
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tests.browser.pictures

verify: ## check every invariant of a running stack (env=.run/stack.env parked=0 watch=3 audit=on)
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m tests.verify $(foreach option,env wait watch parked audit,$(if $($(option)),--$(option) "$($(option))")) $(if $(help),--help)

CHAOS = $(foreach option,filter count minutes seed pause rate note,$(if $($(option)),--$(option) "$($(option))")) \
        $(foreach flag,full short offline record list,$(if $($(flag)),--$(flag)))

chaos: ## disturb a shop: kind=faults, storm, fuzz, simulation, startup (filter=broker count=3 minutes=10 seed=1 full=1 record=1 list=1)
	@$(VENV) requirements-dev.txt
	@$(OTHER_RABBITMQ) exec $(PYTHON_RUN) -m tests.chaos $(or $(kind),faults) $(CHAOS)

mutation: ## plant known bugs into a copy of the code; each must be caught (filter=relay record=1 list=1)
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tests.chaos mutation $(CHAOS)

soak: ## the highest steady rate for half an hour: memory, connections, lag, disks (minutes=30 rate=20 record=1)
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tests.chaos soak $(CHAOS)

manage: ## a command of a service that runs here: service=order cmd="republish --since 2h" (cmd=help lists them)
	@$(VENV) requirements.txt
	@exec $(PYTHON_RUN) -m deploy manage "$(service)" "$(cmd)"

migrations: ## write the migrations that changed models lack, of every service
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tools.migrations

contracts: ## write the contracts of every service into schemas/, as the code says; refuses what breaks somebody
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tools.contracts $(if $(replace),--replace)

docs: ## build the pages as a site, into build/docs/site, with a reference from the docstrings and llms.txt
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tools.site

check: ## lint, types, import rules, migrations, contracts, pages and their site, deployment checks
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m tools.check

bench: ## relay, apply, lag, write cost, and by filter=story the whole shop, beside hand-written ones (count=5 quick=1 record=1 strict=1)
	@$(VENV) requirements-dev.txt
	@exec $(PYTHON_RUN) -m benchmarks $(filter) $(if $(rate),--rate $(rate)) $(if $(base),--base $(base)) $(if $(count),--rounds $(count)) $(if $(quick),--quick) $(if $(note),--note "$(note)") \
	    $(if $(record),--record) $(if $(strict),--strict)

LOCK := .venv/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --no-emit-find-links --python-version 3.11 --universal

lock: ## compile requirements*.in to requirements*.txt with hashes (upgrade=1: to the newest)
	@$(VENV) requirements-dev.txt
	$(LOCK) $(if $(upgrade),--upgrade) requirements.in -o requirements.txt
	$(LOCK) $(if $(upgrade),--upgrade) requirements-dev.in -o requirements-dev.txt
	@$(VENV) requirements-dev.txt
